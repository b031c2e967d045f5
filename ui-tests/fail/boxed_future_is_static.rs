use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

use std::pin::Pin;

#[with_context]
fn load(depth: u32) -> Pin<Box<dyn Future<Output = Result<u32, Cancelled>> + Send + 'static>> {
    Box::pin(async move {
        match depth {
            0 => Ok(one().await),
            _ => load(ctx, depth - 1).await,
        }
    })
}

#[with_context]
async fn load_all() -> Result<u32, Cancelled> {
    load(ctx, 3).await
}

fn main() {}
