#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, with_context};
async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    Ok(one().await)
}

#[with_context]
#[tokio::test]
async fn result() -> Result<(), Cancelled> {
    let child = ctx.with_cancel();
    assert_eq!(load(ctx).await?, 1);
    child.cancel();
    assert!(load(&child).await.is_err());
    Ok(())
}

#[with_context(timeout = std::time::Duration::from_millis(5))]
#[tokio::test(start_paused = true)]
async fn timeout() -> Result<(), Cancelled> {
    assert!(ctx.remaining().is_some());
    one().await;
    Ok(())
}

#[with_context(checkpoints = none)]
#[tokio::test]
async fn unit() {
    assert_eq!(load(ctx).await.unwrap(), 1);
}

#[with_context]
#[tokio::test]
async fn asks_nothing_of_its_context() {
    #[checkpoints(none)]
    let number = one().await;
    assert_eq!(number, 1);
}
