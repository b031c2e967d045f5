#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::panic::Location;

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
#[track_caller]
fn line() -> u32 {
    assert!(!ctx.is_cancelled());
    Location::caller().line()
}

#[with_context]
async fn noticed() -> Result<u32, Cancelled> {
    let first = one().await;
    let second = one().await + one().await;
    Ok(first + second)
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
#[cfg_attr(test, test)]
async fn main() {
    let ctx = Context::background().with_cancel();
    assert_eq!(line(&ctx), line!());
    assert_eq!(noticed(&ctx).await.unwrap(), 3);
    ctx.cancel();
    let at = noticed(&ctx).await.unwrap_err().noticed_at().unwrap();
    assert!(at.file().ends_with("track_caller.rs"));
    assert_eq!((at.line(), at.column()), (19, 23));
}
