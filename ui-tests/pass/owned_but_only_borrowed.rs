#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Context, with_context};

#[with_context(owned)]
fn triple(number: u32) -> u32 {
    number * 3
}

#[with_context(owned)]
fn ended() -> bool {
    ctx.is_cancelled()
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background();
    assert_eq!(triple(ctx.clone(), 1), 3);
    assert!(!ended(ctx));
}
