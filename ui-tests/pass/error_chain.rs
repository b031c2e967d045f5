#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::{future::pending, time::Duration};

#[derive(Debug, PartialEq, Eq)]
struct Wrapped(Vec<&'static str>);

impl From<Cancelled> for Wrapped {
    fn from(_: Cancelled) -> Self {
        Self(vec!["cancelled"])
    }
}

impl Wrapped {
    fn while_(mut self, doing: &'static str) -> Self {
        self.0.push(doing);
        self
    }
}

#[with_context]
async fn inner() -> Result<u32, Wrapped> {
    pending().await
}

#[with_context]
async fn middle() -> Result<u32, Wrapped> {
    inner(ctx).await.map_err(|error| error.while_("middle"))
}

#[with_context]
async fn outer() -> Result<u32, Wrapped> {
    middle(ctx).await.map_err(|error| error.while_("outer"))
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_timeout(Duration::from_millis(5));
    // The innermost await decides, and each layer adds its own.
    assert_eq!(
        outer(&ctx).await,
        Err(Wrapped(vec!["cancelled", "middle", "outer"]))
    );
}
