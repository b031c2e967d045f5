use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load(key: u32, ctx: &Context) -> Result<u32, Cancelled> {
    Ok(key + one().await)
}

fn main() {}
