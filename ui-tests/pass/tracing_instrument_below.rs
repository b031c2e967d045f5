#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::time::Duration;
use tracing::instrument;

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
#[instrument(skip(ctx))]
async fn load(key: u32) -> Result<u32, Cancelled> {
    tracing::info!(key, "loading");
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(key + one().await)
}

#[with_context]
#[instrument(skip_all, err)]
async fn fail() -> Result<u32, Cancelled> {
    std::future::pending().await
}

#[with_context]
#[instrument]
fn debug(key: u32) -> bool {
    key == 0 || ctx.is_cancelled()
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(load(&ctx, 1).await.unwrap(), 2);
    assert!(!debug(&ctx, 1));
    let soon = ctx.with_timeout(Duration::from_millis(5));
    assert!(load(&soon, 1).await.unwrap_err().is_deadline_exceeded());
    assert!(fail(&soon).await.is_err());
}
