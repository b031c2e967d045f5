#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::sync::Arc;
use tokio::task::JoinSet;

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

struct Pool(u32);

impl Pool {
    #[with_context(owned)]
    async fn work(self: Arc<Self>, key: u32) -> Result<u32, Cancelled> {
        Ok(self.0 + key + one().await)
    }
}

#[with_context(owned)]
async fn work(key: u32) -> Result<u32, Cancelled> {
    let number = one().await;
    let ctx = ctx.with_cancel();
    Ok(key + number + one().await + u32::from(ctx.is_cancelled()))
}

#[with_context]
async fn fan_out() -> Result<u32, Cancelled> {
    let pool = Arc::new(Pool(1));
    let mut tasks = JoinSet::new();
    for key in 0..3 {
        tasks.spawn(work(ctx.clone(), key));
        tasks.spawn(Arc::clone(&pool).work(ctx.clone(), key));
    }
    let mut sum = 0;
    while let Some(task) = tasks.join_next().await {
        sum += task.expect("no task panics")?;
    }
    Ok(sum)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(fan_out(&ctx).await.unwrap(), 18);
    ctx.cancel();
    assert!(fan_out(&ctx).await.is_err());
}
