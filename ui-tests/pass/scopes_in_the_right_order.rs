#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, ctx_value, with_context};
use std::time::Duration;

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

ctx_value! {
    USER: u32;
}

#[derive(Clone)]
struct Branch(u32);

impl Branch {
    const fn merge(&self, other: &Self) -> Self {
        Self(self.0 + other.0)
    }
}

#[with_context]
async fn values_first() -> Result<u32, Cancelled> {
    let ctx = ctx
        .with_value(&USER, 7)
        .with_timeout(Duration::from_secs(1));
    one().await;
    Ok(*ctx.value(&USER).unwrap_or(&0))
}

#[with_context]
async fn kept() -> Result<u32, Cancelled> {
    let scope = ctx.with_timeout(Duration::from_secs(1));
    let ctx = scope.with_value(&USER, 8);
    one().await;
    Ok(*ctx.value(&USER).unwrap_or(&0))
}

#[with_context]
async fn detached() -> Result<u32, Cancelled> {
    let ctx = ctx.with_cancel().detach().with_value(&USER, 9);
    one().await;
    Ok(*ctx.value(&USER).unwrap_or(&0))
}

#[with_context]
async fn as_an_argument() -> Result<u32, Cancelled> {
    values_first(
        &ctx.with_timeout(Duration::from_secs(1))
            .with_value(&USER, 1),
    )
    .await
}

#[with_context]
#[allow(clippy::redundant_clone)]
async fn somebody_elses_merge(a: &Branch, b: &Branch) -> Result<u32, Cancelled> {
    let branch = a.merge(b).clone();
    Ok(branch.0 + one().await)
}

/// Somebody else's builder.
struct Request(u32);

impl Request {
    const fn with_token(self, _: &str) -> Self {
        self
    }

    const fn with_timeout(self, _: u32) -> Self {
        self
    }

    const fn group(self) -> Self {
        self
    }

    const fn with_value(self, value: u32) -> Self {
        Self(self.0 + value)
    }
}

#[with_context]
async fn somebody_elses_builder() -> Result<u32, Cancelled> {
    let request = Request(1).with_token("secret").with_value(2);
    Ok(request.0 + one().await)
}

/// A branch may keep what is not cancelled, and a temporary may serve its own statement.
#[with_context]
async fn in_branches(hurry: bool) -> Result<u32, Cancelled> {
    let detached = ctx.with_cancel().detach().group::<u32, Cancelled>();
    let ctx = if hurry {
        ctx.with_timeout(Duration::from_secs(1)).detach()
    } else {
        ctx.clone()
    };
    let waited = ctx
        .with_timeout(Duration::from_secs(1))
        .group::<u32, Cancelled>()
        .limit(8)
        .wait()
        .await;
    let done = ctx
        .with_timeout(Duration::from_millis(1))
        .done_owned()
        .await
        .is_deadline_exceeded();
    drop(detached);
    assert!(waited.is_ok_and(|all| all.is_empty()) && done);
    Ok(one().await)
}

#[with_context]
async fn somebody_elses_scopes() -> Result<u32, Cancelled> {
    let request = Request(1).with_timeout(2).with_token("secret").group();
    Ok(request.0 + one().await)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(values_first(&ctx).await.unwrap(), 7);
    assert_eq!(kept(&ctx).await.unwrap(), 8);
    assert_eq!(detached(&ctx).await.unwrap(), 9);
    assert_eq!(as_an_argument(&ctx).await.unwrap(), 7);
    assert_eq!(in_branches(&ctx, true).await.unwrap(), 1);
    assert_eq!(somebody_elses_scopes(&ctx).await.unwrap(), 2);
    assert_eq!(somebody_elses_builder(&ctx).await.unwrap(), 4);
    assert_eq!(
        somebody_elses_merge(&ctx, &Branch(1), &Branch(2))
            .await
            .unwrap(),
        4
    );
}
