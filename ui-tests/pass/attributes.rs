#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

/// Docs stay.
#[with_context]
#[must_use = "it is a number"]
async fn documented(
    #[cfg(any())] absent: Absent,
    #[allow(unused_variables)] unused: u32,
    number: u32,
) -> Result<u32, Cancelled> {
    #![allow(unused_mut)]
    let mut number = number + one().await;
    #[cfg(any())]
    absent.call().await;
    #[allow(clippy::let_and_return)]
    let sum = {
        #[rustfmt::skip]
        let sum = number   +   one().await;
        sum
    };
    #[allow(clippy::identity_op)]
    let same = sum + 0;
    Ok(same)
}

#[cfg(any())]
#[with_context]
async fn absent() -> Absent {}

#[with_context]
#[inline]
#[cold]
fn cold() -> bool {
    ctx.is_cancelled()
}

struct Pool;

#[with_context]
impl Pool {
    #![allow(clippy::unused_self)]

    #[cfg(any())]
    async fn absent(&self) -> Absent {}

    #[cfg(not(any()))]
    async fn present(&self) -> Result<u32, Cancelled> {
        Ok(one().await)
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background();
    assert_eq!(documented(&ctx, 0, 5).await.unwrap(), 7);
    assert!(!cold(&ctx));
    assert_eq!(Pool.present(&ctx).await.unwrap(), 1);
}
