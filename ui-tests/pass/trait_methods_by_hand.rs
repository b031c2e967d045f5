#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

trait Load {
    #[with_context]
    async fn load(&self, key: u32) -> Result<u32, Cancelled>;

    #[with_context]
    async fn load_twice(&self, key: u32) -> Result<u32, Cancelled>
    where
        Self: Sized,
    {
        Ok(self.load(ctx, key).await? * 2)
    }

    #[with_context]
    fn known(&self) -> bool;
}

struct Pool;

impl Load for Pool {
    #[with_context]
    async fn load(&self, key: u32) -> Result<u32, Cancelled> {
        Ok(key + one().await)
    }

    #[with_context]
    fn known(&self) -> bool {
        !ctx.is_cancelled()
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(Pool.load_twice(&ctx, 3).await.unwrap(), 8);
    assert!(Pool.known(&ctx));
    ctx.cancel();
    assert!(Pool.load_twice(&ctx, 3).await.is_err());
    assert!(!Pool.known(&ctx));
}
