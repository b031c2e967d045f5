#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
trait Load {
    async fn load(&self, key: u32) -> Result<u32, Cancelled>;

    async fn load_twice(&self, key: u32) -> Result<u32, Cancelled> {
        Ok(self.load(ctx, key).await? + self.load(ctx, key).await?)
    }

    fn limit(&self) -> u32 {
        3
    }
}

struct Pool;

#[with_context]
impl Load for Pool {
    async fn load(&self, key: u32) -> Result<u32, Cancelled> {
        Ok(key + one().await)
    }
}

struct Method;

impl Load for Method {
    #[with_context]
    async fn load(&self, key: u32) -> Result<u32, Cancelled> {
        Ok(key * one().await)
    }
}

async fn generic<L: Load + Sync>(ctx: &Context, load: &L) -> Result<u32, Cancelled> {
    load.load_twice(ctx, load.limit()).await
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(generic(&ctx, &Pool).await.unwrap(), 8);
    assert_eq!(generic(&ctx, &Method).await.unwrap(), 6);
    ctx.cancel();
    assert!(generic(&ctx, &Pool).await.is_err());
}
