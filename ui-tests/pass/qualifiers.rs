#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

// SAFETY: there is nothing to uphold; only the qualifier is tested.
#[with_context]
async unsafe fn trusted(number: u32) -> Result<u32, Cancelled> {
    Ok(number + one().await)
}

#[with_context]
extern "C" fn length(number: u32) -> u32 {
    if ctx.is_cancelled() { 0 } else { number }
}

#[with_context]
pub async fn visible() -> Result<u32, Cancelled> {
    Ok(one().await)
}

// SAFETY: there is nothing to uphold; only the qualifier is tested.
#[with_context]
unsafe fn sync_trusted(number: u32) -> bool {
    number == 0 || ctx.is_cancelled()
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background();
    // SAFETY: it only says `unsafe`.
    assert_eq!(unsafe { trusted(&ctx, 2) }.await.unwrap(), 3);
    // SAFETY: as above.
    assert!(!unsafe { sync_trusted(&ctx, 1) });
    assert_eq!(length(&ctx, 7), 7);
    assert_eq!(visible(&ctx).await.unwrap(), 1);
}
