#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::{future::pending, time::Duration};

const LIMIT: Duration = Duration::from_millis(5);

#[with_context(timeout = LIMIT)]
async fn constant() -> Result<(), Cancelled> {
    let _: &Context = ctx;
    pending::<()>().await;
    Ok(())
}

#[with_context(timeout = Duration::from_millis(millis))]
async fn from_a_parameter(millis: u64) -> Result<(), Cancelled> {
    pending::<()>().await;
    Ok(())
}

#[with_context(owned, timeout = LIMIT * 2)]
async fn owned() -> Result<(), Cancelled> {
    let _: &Context = ctx;
    pending::<()>().await;
    Ok(())
}

struct Client {
    limit: Duration,
}

#[with_context(timeout = self.limit)]
impl Client {
    async fn call(&self) -> Result<(), Cancelled> {
        pending::<()>().await;
        Ok(())
    }
}

#[with_context(timeout = LIMIT, checkpoints = between)]
async fn between() -> Result<u32, Cancelled> {
    tokio::time::sleep(LIMIT * 3).await;
    Ok(u32::from(ctx.is_cancelled()))
}

#[with_context(timeout = LIMIT)]
fn sync_function() -> bool {
    ctx.deadline().is_some()
}

#[with_context(timeout = LIMIT)]
fn returns_a_future() -> impl Future<Output = Option<()>> {
    let limit = LIMIT * 9;
    async move {
        tokio::time::sleep(limit).await;
        Some(())
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert!(constant(&ctx).await.unwrap_err().is_deadline_exceeded());
    assert!(from_a_parameter(&ctx, 7).await.is_err());
    assert!(owned(ctx.clone()).await.is_err());
    assert!(Client { limit: LIMIT }.call(&ctx).await.is_err());
    assert_eq!(between(&ctx).await.unwrap(), 1);
    assert!(sync_function(&ctx));
    assert_eq!(returns_a_future(&ctx).await, None);
    assert!(!ctx.is_cancelled());
}
