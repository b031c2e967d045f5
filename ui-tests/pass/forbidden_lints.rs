#![deny(warnings, clippy::pedantic, clippy::nursery)]
#![forbid(unused_variables)]
#![allow(clippy::missing_const_for_fn, clippy::unused_async)]

use ctx::{Cancelled, Context, with_context};
use std::time::Duration;

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn load(number: u32) -> Result<u32, Cancelled> {
    Ok(number + one().await)
}

#[with_context]
async fn constant() -> u32 {
    const SEVEN: u32 = 7;
    SEVEN
}

#[with_context]
fn double(number: u32) -> u32 {
    number * 2
}

#[with_context]
fn ready(number: u32) -> impl Future<Output = u32> + Send {
    let doubled = number * 2;
    async move { doubled }
}

#[with_context]
fn on_a_budget() -> impl Future<Output = Result<u32, Cancelled>> + Send {
    let ctx = Context::background().with_timeout(Duration::from_secs(1));
    async move { Ok(one().await) }
}

#[with_context(owned)]
async fn owned() -> u32 {
    7
}

#[with_context(checkpoints = none)]
async fn none() -> u32 {
    one().await
}

#[with_context(timeout = Duration::from_secs(1))]
async fn timed() -> u32 {
    7
}

ctx::ctx_value! {
    USER: String;
}

#[with_context]
async fn without_its_value(
    #[cfg(any())]
    #[value]
    user: Option<&String>,
) -> u32 {
    7
}

trait Number {
    #[with_context]
    fn number(&self) -> u32;

    #[with_context]
    async fn negative(&self) -> i64 {
        -7
    }
}

struct Seven;

#[with_context]
impl Number for Seven {
    #[with_context]
    fn number(&self) -> u32 {
        7
    }
}

#[with_context]
#[tokio::test(start_paused = true)]
async fn makes_its_own() -> Result<(), Cancelled> {
    tokio::task::yield_now().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_value(&USER, "ada".to_owned());
    assert_eq!(load(&ctx, 1).await.unwrap(), 2);
    assert_eq!(constant(&ctx).await, 7);
    assert_eq!(double(&ctx, 2), 4);
    assert_eq!(ready(&ctx, 2).await, 4);
    assert_eq!(on_a_budget(&ctx).await.unwrap(), 1);
    assert_eq!(owned(ctx.clone()).await, 7);
    assert_eq!(none(&ctx).await, 1);
    assert_eq!(without_its_value(&ctx).await, 7);
    assert_eq!(timed(&ctx).await, 7);
    assert_eq!(
        i64::from(Seven.number(&ctx)) + Seven.negative(&ctx).await,
        0
    );
}
