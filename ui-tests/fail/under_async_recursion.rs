use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[async_recursion::async_recursion]
#[with_context]
async fn load(depth: u32) -> Result<u32, Cancelled> {
    match depth {
        0 => Ok(one().await),
        _ => load(ctx, depth - 1).await,
    }
}

#[with_context]
async fn load_all() -> Result<u32, Cancelled> {
    load(ctx, 3).await
}

fn main() {}
