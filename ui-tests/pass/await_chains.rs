#![deny(warnings, clippy::pedantic, clippy::nursery)]
#![allow(clippy::many_single_char_names)]

use ctx::{Cancelled, Context, with_context};
use std::{
    future::{Ready, ready},
    pin::{Pin, pin},
};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[derive(Debug)]
struct Failed;

impl From<Cancelled> for Failed {
    fn from(_: Cancelled) -> Self {
        Self
    }
}

async fn fallible(fail: bool) -> Result<u32, Failed> {
    tokio::task::yield_now().await;
    if fail { Err(Failed) } else { Ok(1) }
}

async fn add(a: u32, b: u32) -> u32 {
    tokio::task::yield_now().await;
    a + b
}

async fn nested() -> Ready<Result<Ready<u32>, Failed>> {
    tokio::task::yield_now().await;
    ready(Ok(ready(5)))
}

struct Request(u32);

impl IntoFuture for Request {
    type Output = u32;
    type IntoFuture = Ready<u32>;

    fn into_future(self) -> Ready<u32> {
        ready(self.0)
    }
}

#[with_context]
async fn chains(fail: bool) -> Result<u32, Failed> {
    let a = fallible(false).await?;
    let b = nested().await.await?.await;
    let c = add(add(1, one().await).await, fallible(fail).await?).await;
    let d = fallible(false)
        .await
        .map_err(|_| Failed)?
        .checked_add(one().await)
        .ok_or(Failed)?;
    Ok(a + b + c + d)
}

#[with_context]
async fn kinds() -> Result<u32, Failed> {
    let mut first = pin!(one());
    let mut boxed: Pin<Box<dyn Future<Output = u32> + Send>> = Box::pin(one());
    let option = Some(one());
    let into = Request(3).await;
    let (a, b) = ((&mut first).await, boxed.as_mut().await);
    let c = option.ok_or(Failed)?.await;
    let d = async { 7 }.await;
    let e = { one() }.await;
    let f = if into == 3 { ready(1) } else { ready(2) }.await;
    let later = async || one().await;
    let g = later().await;
    Ok(a + b + c + d + e + f + g + into)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(chains(&ctx, false).await.unwrap(), 11);
    assert!(chains(&ctx, true).await.is_err());
    assert_eq!(kinds(&ctx).await.unwrap(), 16);
    ctx.cancel();
    assert!(kinds(&ctx).await.is_err());
}
