#![deny(warnings, clippy::pedantic, clippy::nursery)]
//! What an author has to put around an expression to mark it is not one pair too many, and no lint's fix takes the
//! mark off with it.

use ctx::{Cancelled, Context, with_context};
use std::time::Duration;
use tokio::time::sleep;

async fn long() -> bool {
    sleep(Duration::from_secs(1)).await;
    true
}

async fn name() -> &'static str {
    sleep(Duration::from_secs(1)).await;
    "long"
}

#[rustfmt::skip]
#[with_context]
async fn in_parentheses() -> Result<u32, Cancelled> {
    let done = (#[shield] long().await);
    if (#[shield] long().await) {
        let other = (#[checkpoints(between)] long().await);
        return Ok(u32::from(done) + u32::from(other));
    }
    let mut times = 0;
    while (#[shield] long().await) {
        times += 1;
        if times == 2 {
            break;
        }
    }
    match (#[shield] name().await) {
        "long" => {}
        other => panic!("{other}"),
    }
    Ok(u32::from((#[shield] long().await)))
}

#[rustfmt::skip]
#[with_context]
async fn in_braces() -> Result<(), Cancelled> {
    #[shield] { sleep(Duration::from_secs(1)).await }
    #[checkpoints(none)] { sleep(Duration::from_secs(1)).await }
    #[checkpoints(race)] { sleep(Duration::from_secs(1)).await }
    #[checkpoints(between)] { sleep(Duration::from_secs(1)).await }
    Ok(())
}

#[rustfmt::skip]
#[with_context]
async fn in_braces_at_the_end() -> Option<bool> {
    #[checkpoints(none)] { Some(long().await) }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let root = Context::background();
    assert_eq!(
        in_parentheses(&root.with_timeout(Duration::from_secs(4)))
            .await
            .unwrap(),
        2
    );
    in_braces(&root.with_timeout(Duration::from_secs(9)))
        .await
        .unwrap();
    let late = root.with_timeout(Duration::from_millis(1));
    assert_eq!(
        in_parentheses(&late).await.unwrap_err().to_string(),
        "context deadline exceeded"
    );
    assert!(in_braces_at_the_end(&late).await.unwrap());
}
