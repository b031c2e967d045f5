#![deny(warnings, clippy::pedantic, clippy::nursery)]

use async_trait::async_trait;
use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
#[async_trait]
trait Above: Send + Sync {
    async fn load(&self, key: &str) -> Result<u32, Cancelled>;
}

#[with_context]
#[async_trait]
impl Above for u8 {
    async fn load(&self, key: &str) -> Result<u32, Cancelled> {
        Ok(u32::from(*self) + u32::try_from(key.len()).unwrap_or(0) + one().await)
    }
}

#[async_trait]
#[with_context]
trait Below: Send + Sync {
    async fn load(&self, key: &str) -> Result<u32, Cancelled>;
}

#[async_trait]
#[with_context]
impl Below for u64 {
    async fn load(&self, key: &str) -> Result<u32, Cancelled> {
        let length = u32::try_from(key.len()).unwrap_or(0);
        Ok(u32::try_from(*self).unwrap_or(0) + length + one().await)
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    let above: &dyn Above = &1_u8;
    let below: &dyn Below = &1_u64;
    assert_eq!(above.load(&ctx, "key").await.unwrap(), 5);
    assert_eq!(below.load(&ctx, "key").await.unwrap(), 5);
    ctx.cancel();
    assert!(above.load(&ctx, "key").await.is_err());
    assert!(below.load(&ctx, "key").await.is_err());
}
