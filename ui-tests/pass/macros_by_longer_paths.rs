#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::future::{pending, ready};

mod rt {
    pub use futures;
    pub use tokio;

    /// Not tokio's.
    macro_rules! join {
        ($($word:expr),*) => {
            concat!($($word),*)
        };
    }
    pub(crate) use join;
}

#[with_context]
async fn selects() -> Result<u32, Cancelled> {
    rt::tokio::select! {
        () = pending() => {}
    }
    Ok(1)
}

#[with_context]
async fn joins() -> Result<u32, Cancelled> {
    let ((), one) = self::rt::tokio::join!(pending(), ready(1));
    Ok(one)
}

#[with_context]
async fn joins_those_of_futures() -> Result<u32, Cancelled> {
    let ((), one) = rt::futures::join!(pending(), ready(1));
    Ok(one)
}

#[with_context]
async fn tries_to_join() -> Result<u32, Cancelled> {
    let both = rt::tokio::try_join!(ready(Ok::<u32, ()>(1)), pending::<Result<u32, ()>>());
    Ok(both.map_or(0, |both| both.0))
}

#[with_context]
async fn joins_words() -> Result<&'static str, Cancelled> {
    ready(()).await;
    Ok(rt::join!("a", "b"))
}

#[tokio::test(start_paused = true)]
async fn each_is_a_checkpoint() {
    let ctx = &Context::background().with_timeout(std::time::Duration::from_millis(5));
    let (a, b, c, d) = tokio::join!(
        selects(ctx),
        joins(ctx),
        joins_those_of_futures(ctx),
        tries_to_join(ctx)
    );
    assert!(a.is_err() && b.is_err() && c.is_err() && d.is_err());
    let ctx = &Context::background();
    assert_eq!(joins_words(ctx).await.unwrap(), "ab");
}
