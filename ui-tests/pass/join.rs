#![deny(warnings, clippy::pedantic, clippy::nursery)]
#![allow(clippy::many_single_char_names)]

use ctx::{Cancelled, Context, with_context};
use std::{future::pending, time::Duration};
use tokio::join;

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn tokio_join() -> Result<u32, Cancelled> {
    let (a, b, c) = tokio::join!(one(), async { one().await + 1 }, one());
    let (alone,) = join!(one());
    let (d, e) = join!(biased; one(), one());
    Ok(a + b + c + alone + d + e)
}

#[with_context]
async fn futures_join() -> Result<u32, Cancelled> {
    let (a, b) = futures::join!(one(), one());
    Ok(a + b + join!(one(), one(),).0)
}

#[with_context]
async fn nothing() -> Result<u32, Cancelled> {
    #[allow(clippy::let_unit_value)]
    let () = tokio::join!();
    Ok(one().await)
}

#[with_context]
async fn as_a_statement() -> Result<u32, Cancelled> {
    tokio::join!(one(), one());
    Ok(join!(one(), one()).0 + join!(one(), one()).1)
}

#[with_context]
async fn waits(done: &mut bool) -> Result<u32, Cancelled> {
    let (a, ()) = join!(
        async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            *done = true;
            1
        },
        pending()
    );
    Ok(a)
}

#[with_context]
async fn slow() -> Result<u32, Cancelled> {
    #[shield]
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(one().await)
}

#[with_context]
async fn shielded_sibling(done: &mut bool) -> Result<u32, Cancelled> {
    let (a, b) = join!(
        async {
            let number = slow(&ctx.without_cancel()).await;
            *done = number.is_ok();
            1
        },
        pending::<u32>()
    );
    Ok(a + b)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(tokio_join(&ctx).await.unwrap(), 7);
    assert_eq!(futures_join(&ctx).await.unwrap(), 3);
    assert_eq!(nothing(&ctx).await.unwrap(), 1);
    assert_eq!(as_a_statement(&ctx).await.unwrap(), 2);
    let mut done = false;
    let soon = ctx.with_timeout(Duration::from_millis(5));
    assert!(waits(&soon, &mut done).await.is_err());
    assert!(done);
    let mut done = false;
    let soon = ctx.with_timeout(Duration::from_millis(5));
    assert!(shielded_sibling(&soon, &mut done).await.is_err());
    assert!(
        done,
        "the shield in one branch holds while the other gives up"
    );
}
