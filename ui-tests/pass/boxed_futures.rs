#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use futures::future::BoxFuture;
use std::pin::Pin;

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
fn named<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = Result<u32, Cancelled>> + Send + 'a>> {
    Box::pin(async move { Ok(u32::try_from(text.len()).unwrap_or(0) + one().await) })
}

#[with_context]
fn elided(text: &str) -> Pin<Box<dyn Future<Output = Result<u32, Cancelled>> + Send + '_>> {
    let length = u32::try_from(text.len()).unwrap_or(0);
    Box::pin(async move { Ok(length + one().await) })
}

#[with_context]
fn nothing_else() -> Pin<Box<dyn Future<Output = Result<u32, Cancelled>> + Send + '_>> {
    Box::pin(async move { Ok(one().await) })
}

#[with_context]
fn alias(text: &str) -> BoxFuture<'_, Option<u32>> {
    Box::pin(async move { Some(u32::try_from(text.len()).ok()? + one().await) })
}

#[with_context(owned)]
fn owned() -> Pin<Box<dyn Future<Output = Result<u32, Cancelled>> + Send>> {
    Box::pin(async move { Ok(one().await) })
}

struct Pool(u32);

impl Pool {
    #[with_context]
    fn method(&self) -> Pin<Box<dyn Future<Output = Result<u32, Cancelled>> + '_>> {
        Box::pin(async move { Ok(self.0 + one().await) })
    }
}

#[with_context]
trait Load {
    fn load(&self, key: u32) -> Pin<Box<dyn Future<Output = Result<u32, Cancelled>> + Send + '_>>;
}

#[with_context]
impl Load for Pool {
    fn load(&self, key: u32) -> Pin<Box<dyn Future<Output = Result<u32, Cancelled>> + Send + '_>> {
        Box::pin(async move { Ok(self.0 + key + one().await) })
    }
}

#[with_context]
fn recursive(depth: u32) -> Pin<Box<dyn Future<Output = Result<u32, Cancelled>> + Send + '_>> {
    Box::pin(async move {
        match depth {
            0 => Ok(one().await),
            _ => Ok(1 + recursive(ctx, depth - 1).await?),
        }
    })
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(named(&ctx, "abc").await.unwrap(), 4);
    assert_eq!(elided(&ctx, "abc").await.unwrap(), 4);
    assert_eq!(nothing_else(&ctx).await.unwrap(), 1);
    assert_eq!(alias(&ctx, "abc").await.unwrap(), 4);
    assert_eq!(owned(ctx.clone()).await.unwrap(), 1);
    assert_eq!(Pool(1).method(&ctx).await.unwrap(), 2);
    assert_eq!(Pool(1).load(&ctx, 2).await.unwrap(), 4);
    assert_eq!(recursive(&ctx, 20).await.unwrap(), 21);
    ctx.cancel();
    assert!(named(&ctx, "abc").await.is_err());
    assert!(owned(ctx.clone()).await.is_err());
    assert!(recursive(&ctx, 20).await.is_err());
}
