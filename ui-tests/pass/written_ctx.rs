#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::CancelScope;
use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn by_reference(ctx: &Context, key: u32) -> Result<u32, Cancelled> {
    Ok(key + one().await)
}

#[with_context]
async fn by_value(ctx: Context) -> Result<u32, Cancelled> {
    Ok(one().await)
}

#[with_context]
async fn by_scope(ctx: CancelScope) -> Result<u32, Cancelled> {
    ctx.cancel();
    Ok(one().await)
}

#[with_context]
async fn mutable(mut ctx: Context) -> Result<u32, Cancelled> {
    let number = one().await;
    ctx = ctx.with_cancel().detach();
    Ok(number + one().await + u32::from(ctx.is_cancelled()))
}

type Ctx<'a> = &'a Context;

/// It may be ours, though none of ours takes a lifetime.
#[with_context]
async fn by_another_name(ctx: Ctx<'_>) -> Result<u32, Cancelled> {
    Ok(one().await + other(ctx).await?)
}

struct Request<'a>(&'a Context);

/// It is none of ours, and has one.
#[with_context]
async fn other(ctx: impl Into<Request<'_>>) -> Result<u32, Cancelled> {
    let Request(ctx) = ctx.into();
    Ok(one().await)
}

impl<'a> From<&'a Context> for Request<'a> {
    fn from(ctx: &'a Context) -> Self {
        Request(ctx)
    }
}

#[with_context]
async fn of_a_request(ctx: &Request<'_>) -> Result<u32, Cancelled> {
    let ctx = ctx.0;
    Ok(one().await)
}

struct Pool;

impl Pool {
    #[with_context]
    async fn load<'a>(&self, ctx: &'a Context) -> Result<&'a Context, Cancelled> {
        one().await;
        Ok(ctx)
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(by_reference(&ctx, 1).await.unwrap(), 2);
    assert_eq!(by_value(ctx.clone()).await.unwrap(), 1);
    assert_eq!(by_another_name(&ctx).await.unwrap(), 2);
    assert_eq!(of_a_request(&Request(&ctx)).await.unwrap(), 1);
    assert_eq!(mutable(ctx.clone()).await.unwrap(), 2);
    assert!(!Pool.load(&ctx).await.unwrap().is_cancelled());
    assert!(by_scope(ctx.with_cancel()).await.is_err());
    ctx.cancel();
    assert!(by_reference(&ctx, 1).await.is_err());
    assert!(by_value(ctx.clone()).await.is_err());
    assert!(of_a_request(&Request(&ctx)).await.is_err());
}
