#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[derive(Debug)]
struct Unrelated;

#[with_context]
fn sync_result(number: u32) -> Result<u32, Unrelated> {
    if ctx.is_cancelled() {
        Err(Unrelated)
    } else {
        Ok(number)
    }
}

#[with_context(checkpoints = none)]
async fn unit() {
    one().await;
}

#[with_context(checkpoints = none)]
async fn unrelated() -> Result<u32, Unrelated> {
    let _ = tokio::join!(one(), one());
    let number = tokio::select! {
        number = one() => number,
    };
    Ok(number + one().await)
}

macro_rules! twice {
    ($number:expr) => {
        $number + $number
    };
}

#[with_context(checkpoints = none)]
async fn unknown_macro() -> u32 {
    twice!(one().await)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(sync_result(&ctx, 1).unwrap(), 1);
    ctx.cancel();
    unit(&ctx).await;
    assert_eq!(unrelated(&ctx).await.unwrap(), 2);
    assert_eq!(unknown_macro(&ctx).await, 2);
    assert!(sync_result(&ctx, 1).is_err());
}
