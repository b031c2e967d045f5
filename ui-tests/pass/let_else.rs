#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

async fn find(key: u32) -> Option<u32> {
    tokio::task::yield_now().await;
    (key > 0).then_some(key)
}

#[with_context]
async fn load(key: u32) -> Result<u32, Cancelled> {
    let Some(found) = find(key).await else {
        return Ok(one().await * 100);
    };
    let (Some(a), Some(b)) = (find(key).await, find(found).await) else {
        unreachable!();
    };
    #[shield]
    let Some(shielded) = find(key).await else {
        return Ok(0);
    };
    Ok(a + b + shielded)
}

#[with_context]
async fn in_a_loop() -> Result<u32, Cancelled> {
    let mut left = 3;
    loop {
        let Some(now) = find(left).await else {
            break Ok(left);
        };
        left = now - one().await;
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(load(&ctx, 2).await.unwrap(), 6);
    assert_eq!(load(&ctx, 0).await.unwrap(), 100);
    assert_eq!(in_a_loop(&ctx).await.unwrap(), 0);
    ctx.cancel();
    assert!(load(&ctx, 2).await.is_err());
}
