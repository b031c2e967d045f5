use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
fn load() -> impl Future<Output = Result<u32, Cancelled>> + 'static {
    let number = u32::from(ctx.is_cancelled());
    async move { Ok(number + one().await) }
}

#[with_context]
async fn load_all() -> Result<u32, Cancelled> {
    load(ctx).await
}

fn main() {}
