#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::{future::pending, time::Duration};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn inside() -> Result<u32, Cancelled> {
    let lazy = async { one().await + one().await };
    let text = async move {
        if one().await == 1 {
            return "one".to_owned();
        }
        String::new()
    };
    let question: Option<u32> = async { Some(Some(one().await)? + 1) }.await;
    Ok(lazy.await + u32::try_from(text.await.len()).unwrap_or(0) + question.unwrap_or(0))
}

#[with_context]
async fn covered() -> Result<u32, Cancelled> {
    async {
        pending::<()>().await;
    }
    .await;
    unreachable!()
}

#[with_context]
async fn own_scope() -> Result<Result<u32, Cancelled>, Cancelled> {
    let inner = #[with_context]
    async {
        pending::<()>().await;
        Ok::<u32, Cancelled>(1)
    };
    // Cancelled inside: this await delivers the error of the block.
    Ok(inner.await)
}

#[with_context(owned)]
async fn spawned() -> Result<u32, Cancelled> {
    let child = ctx.clone();
    let task = tokio::spawn(async move {
        let ctx = child;
        ctx.run_until_cancelled(one()).await
    });
    #[allow(clippy::unwrap_used)]
    task.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(inside(&ctx).await.unwrap(), 7);
    assert_eq!(spawned(ctx.clone()).await.unwrap(), 1);
    let soon = ctx.with_timeout(Duration::from_millis(5));
    assert!(covered(&soon).await.is_err());
    let soon = ctx.with_timeout(Duration::from_millis(5));
    assert!(own_scope(&soon).await.unwrap().is_err());
}
