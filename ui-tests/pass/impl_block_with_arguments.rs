#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::time::Duration;

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

struct Pool {
    size: u32,
}

#[with_context(checkpoints = between)]
impl Pool {
    const LIMIT: u32 = 7;

    /// Not a future: no context.
    const fn size(&self) -> u32 {
        self.size
    }

    /// Another function's future, which has its context.
    fn later(&self, root: Context) -> impl Future<Output = Result<u32, Cancelled>> {
        self.wait(root)
    }

    async fn grow(&mut self) -> Result<u32, Cancelled> {
        self.size += one().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.size += 1;
        Ok(self.size())
    }

    #[with_context(owned)]
    async fn wait(&self) -> Result<u32, Cancelled> {
        tokio::time::sleep(Duration::from_secs(90)).await;
        Ok(Self::LIMIT)
    }

    #[with_context]
    fn fits(&self) -> Result<bool, Cancelled> {
        ctx.check()?;
        Ok(self.size() <= Self::LIMIT)
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_timeout(Duration::from_millis(10));
    let mut pool = Pool { size: 1 };
    assert!(pool.fits(&ctx).unwrap());
    // Once started, the sleep runs to its end, though the context ends.
    assert_eq!(pool.grow(&ctx).await.unwrap(), 3);
    assert!(ctx.is_cancelled());
    assert!(pool.wait(ctx.clone()).await.is_err());
    assert!(pool.later(ctx.clone()).await.is_err());
    assert!(pool.fits(&ctx).is_err());
}
