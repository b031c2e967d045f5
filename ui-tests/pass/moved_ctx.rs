#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context(owned)]
async fn next(key: u32) -> Result<u32, Cancelled> {
    Ok(key + one().await)
}

#[with_context(owned)]
async fn last_await_moves() -> Result<u32, Cancelled> {
    let number = one().await;
    next(ctx, number).await
}

#[with_context(owned)]
async fn both_in_one_expression() -> Result<u32, Cancelled> {
    Ok(next(ctx.clone(), 1).await? + next(ctx, 2).await?)
}

#[with_context(owned)]
async fn moved_into_a_block() -> Result<u32, Cancelled> {
    async move { next(ctx, 5).await }.await
}

#[with_context(owned)]
async fn select_moves() -> Result<u32, Cancelled> {
    tokio::select! {
        number = next(ctx, 6) => number,
    }
}

#[with_context(owned)]
async fn join_moves() -> Result<u32, Cancelled> {
    let other = ctx.clone();
    let (a, b) = tokio::join!(next(ctx, 1), next(other, 2));
    Ok(a? + b?)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(last_await_moves(ctx.clone()).await.unwrap(), 2);
    assert_eq!(both_in_one_expression(ctx.clone()).await.unwrap(), 5);
    assert_eq!(moved_into_a_block(ctx.clone()).await.unwrap(), 6);
    assert_eq!(select_moves(ctx.clone()).await.unwrap(), 7);
    assert_eq!(join_moves(ctx.clone()).await.unwrap(), 5);
    ctx.cancel();
    assert!(last_await_moves(ctx.clone()).await.is_err());
    assert!(select_moves(ctx.clone()).await.is_err());
}
