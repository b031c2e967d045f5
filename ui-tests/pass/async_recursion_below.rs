#![deny(warnings, clippy::pedantic, clippy::nursery)]

use async_recursion::async_recursion;
use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
#[async_recursion]
async fn down(depth: u32) -> Result<u32, Cancelled> {
    match depth {
        0 => Ok(one().await),
        _ => Ok(1 + down(ctx, depth - 1).await?),
    }
}

#[with_context]
async fn boxed(depth: u32) -> Result<u32, Cancelled> {
    match depth {
        0 => Ok(one().await),
        _ => Ok(1 + Box::pin(boxed(ctx, depth - 1)).await?),
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(down(&ctx, 10).await.unwrap(), 11);
    assert_eq!(boxed(&ctx, 10).await.unwrap(), 11);
    ctx.cancel();
    assert!(down(&ctx, 10).await.is_err());
    assert!(boxed(&ctx, 10).await.is_err());
}
