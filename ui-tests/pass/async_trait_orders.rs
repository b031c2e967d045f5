#![deny(warnings, clippy::pedantic, clippy::nursery)]

use async_trait::async_trait;
use ctx::{Cancelled, Context, with_context};
use std::{borrow::Cow, sync::Arc};

async fn length(text: &str) -> usize {
    tokio::task::yield_now().await;
    text.len()
}

/// As another crate has it, which knows nothing of the attribute.
#[async_trait]
trait ByHand: Send + Sync {
    async fn load(&self, ctx: &Context, key: &str) -> Result<usize, Cancelled>;
    async fn shared(self: Arc<Self>, ctx: &Context, key: &str) -> Result<usize, Cancelled>;
    async fn named<'a, T: Clone + Send + Sync>(
        &'a self,
        ctx: &Context,
        value: &'a T,
        key: &str,
    ) -> Result<T, Cancelled>
    where
        Self: Sized;
    async fn borrowed(&self, ctx: &Context, key: Cow<'_, str>) -> Result<&str, Cancelled>;
    async fn make(ctx: &Context, key: &str, number: &usize) -> Result<usize, Cancelled>
    where
        Self: Sized;
}

/// The impl is annotated, method by method, below its `#[async_trait]`.
struct Methods;

#[async_trait]
impl ByHand for Methods {
    #[with_context]
    async fn load(&self, key: &str) -> Result<usize, Cancelled> {
        Ok(length(key).await)
    }

    #[with_context]
    async fn shared(self: Arc<Self>, key: &str) -> Result<usize, Cancelled> {
        Ok(length(key).await)
    }

    #[with_context]
    async fn named<'a, T: Clone + Send + Sync>(
        &'a self,
        value: &'a T,
        key: &str,
    ) -> Result<T, Cancelled> {
        length(key).await;
        Ok(value.clone())
    }

    #[with_context]
    async fn borrowed(&self, key: Cow<'_, str>) -> Result<&str, Cancelled> {
        length(&key).await;
        Ok("borrowed")
    }

    #[with_context]
    async fn make(key: &str, number: &usize) -> Result<usize, Cancelled> {
        Ok(length(key).await + number)
    }
}

#[with_context]
#[async_trait]
trait Above: Send + Sync {
    async fn load(&self, key: &str) -> Result<usize, Cancelled>;
    async fn make(key: &str) -> Result<usize, Cancelled>
    where
        Self: Sized;
}

#[async_trait]
#[with_context]
impl Above for Methods {
    async fn load(&self, key: &str) -> Result<usize, Cancelled> {
        Ok(length(key).await)
    }

    async fn make(key: &str) -> Result<usize, Cancelled> {
        Ok(length(key).await)
    }
}

#[async_trait]
#[with_context]
trait Below: Send + Sync {
    async fn load(&self, key: &str) -> Result<usize, Cancelled>;

    async fn twice(&self, key: &str) -> Result<usize, Cancelled> {
        Ok(self.load(ctx, key).await? * 2)
    }
}

#[with_context]
#[async_trait]
impl Below for Methods {
    async fn load(&self, key: &str) -> Result<usize, Cancelled> {
        Ok(length(key).await)
    }
}

struct Plain;

#[async_trait]
impl Below for Plain {
    async fn load(&self, ctx: &Context, key: &str) -> Result<usize, Cancelled> {
        ctx.check()?;
        Ok(key.len())
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    let by_hand: Arc<dyn ByHand> = Arc::new(Methods);
    assert_eq!(by_hand.load(&ctx, "key").await.unwrap(), 3);
    assert_eq!(
        by_hand.borrowed(&ctx, "key".into()).await.unwrap(),
        "borrowed"
    );
    assert_eq!(by_hand.shared(&ctx, "key").await.unwrap(), 3);
    assert_eq!(Methods.named(&ctx, &1, "key").await.unwrap(), 1);
    assert_eq!(<Methods as ByHand>::make(&ctx, "key", &1).await.unwrap(), 4);
    assert_eq!(<Methods as Above>::make(&ctx, "key").await.unwrap(), 3);
    let above: &dyn Above = &Methods;
    assert_eq!(above.load(&ctx, "key").await.unwrap(), 3);
    for below in [&Methods as &dyn Below, &Plain] {
        assert_eq!(below.twice(&ctx, "key").await.unwrap(), 6);
    }
    ctx.cancel();
    assert!(above.load(&ctx, "key").await.is_err());
}
