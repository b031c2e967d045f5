#![deny(warnings, clippy::pedantic, clippy::nursery)]
#![allow(clippy::many_single_char_names)]

use ctx::{Cancelled, Context, with_context};
use std::{future::pending, time::Duration};
use tokio::try_join;

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[derive(Debug, PartialEq, Eq)]
enum Failed {
    Stopped,
    Broken,
}

impl From<Cancelled> for Failed {
    fn from(_: Cancelled) -> Self {
        Self::Stopped
    }
}

async fn fallible(fail: bool) -> Result<u32, Failed> {
    if fail {
        Err(Failed::Broken)
    } else {
        Ok(one().await)
    }
}

#[with_context]
async fn both(fail: bool) -> Result<u32, Failed> {
    let (a, b) = tokio::try_join!(fallible(false), fallible(fail))?;
    let (c, d) = try_join!(biased; fallible(false), fallible(false))?;
    let (e,) = futures::try_join!(fallible(false))?;
    Ok(a + b + c + d + e)
}

#[with_context]
async fn one_of_them_waits(fail: bool) -> Result<u32, Failed> {
    match try_join!(fallible(fail), pending::<Result<u32, Failed>>()) {
        Ok((a, b)) => Ok(a + b),
        Err(error) => Err(error),
    }
}

#[with_context]
async fn slow(done: &mut bool) -> Result<u32, Failed> {
    #[shield]
    tokio::time::sleep(Duration::from_secs(1)).await;
    *done = true;
    Ok(one().await)
}

#[with_context]
async fn shielded_sibling(done: &mut bool) -> Result<u32, Failed> {
    let (a, b) = try_join!(pending::<Result<u32, Failed>>(), slow(ctx, done))?;
    Ok(a + b)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(both(&ctx, false).await.unwrap(), 5);
    assert_eq!(both(&ctx, true).await, Err(Failed::Broken));
    assert_eq!(one_of_them_waits(&ctx, true).await, Err(Failed::Broken));
    let soon = ctx.with_timeout(Duration::from_millis(5));
    assert_eq!(one_of_them_waits(&soon, false).await, Err(Failed::Stopped));
    let soon = ctx.with_timeout(Duration::from_millis(5));
    let mut done = false;
    assert_eq!(
        shielded_sibling(&soon, &mut done).await,
        Err(Failed::Stopped)
    );
    assert!(
        done,
        "a branch gives up only when every other one has ended"
    );
}
