#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::future::pending;

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn plain() -> Result<u32, Cancelled> {
    let number = one().await;
    let double = |other: u32| {
        if other > 3 {
            return 0;
        }
        other * 2
    };
    let later = || one();
    let wrapped = || async { one().await };
    let moved = move || async move { number };
    Ok(double(number) + later().await + wrapped().await + moved().await)
}

#[with_context]
async fn asynchronous() -> Result<u32, Cancelled> {
    let plain = async |other: u32| other + one().await;
    let own = #[with_context]
    async |other: u32| -> Result<u32, Cancelled> { Ok(other + one().await) };
    let block = #[with_context]
    |other: u32| async move { Ok::<u32, Cancelled>(other + one().await) };
    Ok(plain(1).await + own(1).await? + block(1).await?)
}

#[with_context]
async fn own_return() -> Result<Option<u32>, Cancelled> {
    let own = #[with_context]
    async || -> Option<u32> {
        pending::<()>().await;
        None
    };
    Ok(own().await)
}

#[with_context]
async fn without_checkpoints() -> Result<u32, Cancelled> {
    let own = #[with_context(checkpoints = none)]
    async || one().await;
    let between = #[with_context(checkpoints = between)]
    async {
        Some(one().await)
    };
    Ok(own().await + between.await.unwrap_or(0))
}

#[with_context]
fn in_a_sync_function() -> bool {
    let check = || ctx.is_cancelled();
    check()
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(plain(&ctx).await.unwrap(), 5);
    assert_eq!(asynchronous(&ctx).await.unwrap(), 6);
    assert_eq!(without_checkpoints(&ctx).await.unwrap(), 2);
    assert!(!in_a_sync_function(&ctx));
    let soon = ctx.with_timeout(std::time::Duration::from_millis(5));
    assert_eq!(own_return(&soon).await.unwrap(), None);
    assert!(plain(&soon).await.is_err());
}
