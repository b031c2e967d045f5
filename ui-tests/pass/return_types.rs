#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, FromCancelled, with_context};
use std::{future::pending, io};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

type Answer<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[with_context]
async fn alias(wait: bool) -> Answer<u32> {
    if wait {
        pending::<()>().await;
    }
    Ok(u32::try_from(i64::from(one().await))?)
}

#[with_context]
async fn io_error() -> io::Result<u32> {
    pending::<()>().await;
    Ok(1)
}

#[with_context]
async fn option(wait: bool) -> Option<u32> {
    if wait {
        pending::<()>().await;
    }
    Some(one().await)
}

#[with_context]
async fn iterator() -> Result<impl Iterator<Item = u32> + Send, Cancelled> {
    Ok(0..one().await)
}

#[with_context]
async fn closure() -> Result<impl Fn(u32) -> u32 + Send, Cancelled> {
    let number = one().await;
    Ok(move |other| number + other)
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done(u32),
    Stopped,
}

impl FromCancelled for Outcome {
    fn from_cancelled(_: Cancelled) -> Self {
        Self::Stopped
    }
}

#[with_context]
async fn own(wait: bool) -> Outcome {
    if wait {
        pending::<()>().await;
    }
    Outcome::Done(one().await)
}

#[with_context]
async fn nested() -> Result<Option<u32>, Cancelled> {
    Ok(option(ctx, true).await)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(alias(&ctx, false).await.unwrap(), 1);
    assert_eq!(option(&ctx, false).await, Some(1));
    assert_eq!(iterator(&ctx).await.unwrap().count(), 1);
    assert_eq!(closure(&ctx).await.unwrap()(1), 2);
    assert_eq!(own(&ctx, false).await, Outcome::Done(1));
    let ctx = ctx.with_timeout(std::time::Duration::from_millis(5));
    assert_eq!(own(&ctx, true).await, Outcome::Stopped);
    assert!(alias(&ctx, true).await.unwrap_err().is::<Cancelled>());
    assert_eq!(
        io_error(&ctx).await.unwrap_err().kind(),
        io::ErrorKind::TimedOut
    );
    assert_eq!(option(&ctx, true).await, None);
    assert!(nested(&ctx).await.is_err());
}
