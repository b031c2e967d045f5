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
    Ok(one().await + std::future::pending::<u32>().await)
}

#[with_context]
async fn only() -> Result<u32, Cancelled> {
    Ok(std::future::pending::<u32>().await)
}

#[with_context(crate = ::ctx)]
async fn only_by_a_path() -> Result<u32, Cancelled> {
    Ok(std::future::pending::<u32>().await)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_timeout(std::time::Duration::from_millis(5));
    assert_eq!(line(&ctx), line!());
    let second = noticed(&ctx).await.unwrap_err().noticed_at().unwrap();
    let first = noticed(&ctx).await.unwrap_err().noticed_at().unwrap();
    assert!(first.file().ends_with("track_caller.rs"));
    assert_eq!(first.line(), second.line());
    assert_eq!((first.column(), second.column()), (14, 52));
    let only = only(&ctx).await.unwrap_err().noticed_at().unwrap();
    assert!(only.file().ends_with("track_caller.rs"));
    assert_eq!((only.line(), only.column()), (25, 38));
    let only = only_by_a_path(&ctx).await.unwrap_err().noticed_at();
    let only = only.unwrap();
    assert_eq!((only.line(), only.column()), (30, 38));
}
