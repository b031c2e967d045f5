#![deny(warnings, clippy::pedantic, clippy::nursery)]

use async_trait::async_trait;
use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[async_trait]
trait Load: Send + Sync {
    #[with_context]
    async fn load(&self, key: &str) -> Result<u32, Cancelled>;

    #[with_context]
    async fn load_twice(&self, key: &str) -> Result<u32, Cancelled> {
        Ok(self.load(ctx, key).await? + self.load(ctx, key).await?)
    }

    #[with_context]
    async fn make(number: u32) -> Result<Self, Cancelled>
    where
        Self: Sized;

    #[with_context]
    async fn generic<T: Send + Sync>(&mut self, value: T) -> Result<T, Cancelled>
    where
        Self: Sized,
    {
        one().await;
        Ok(value)
    }
}

struct Pool(u32);

#[async_trait]
impl Load for Pool {
    #[with_context]
    async fn load(&self, key: &str) -> Result<u32, Cancelled> {
        Ok(self.0 + u32::try_from(key.len()).unwrap_or(0) + one().await)
    }

    #[with_context]
    async fn make(number: u32) -> Result<Self, Cancelled> {
        Ok(Self(number + one().await))
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    let mut pool = Pool::make(&ctx, 1).await.unwrap();
    assert_eq!(pool.generic(&ctx, "value").await.unwrap(), "value");
    let dynamic: Box<dyn Load> = Box::new(pool);
    assert_eq!(dynamic.load_twice(&ctx, "key").await.unwrap(), 12);
    ctx.cancel();
    assert!(dynamic.load_twice(&ctx, "key").await.is_err());
}
