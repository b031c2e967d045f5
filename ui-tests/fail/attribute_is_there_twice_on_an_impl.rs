use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    1
}

struct Pool;

#[with_context]
#[with_context(owned)]
impl Pool {
    async fn load() -> Result<u32, Cancelled> {
        Ok(one().await)
    }
}

async fn calls(ctx: &Context) {
    drop(Pool::load(ctx).await);
}

fn main() {}
