#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::{convert::Infallible, future::pending, time::Duration};

async fn serve() -> ! {
    loop {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn unit() {
    tokio::task::yield_now().await;
}

#[with_context]
async fn until_cancelled() -> Result<Infallible, Cancelled> {
    serve().await
}

#[with_context]
async fn statement() -> Result<(), Cancelled> {
    serve().await;
}

#[with_context]
async fn loops() -> Result<Infallible, Cancelled> {
    loop {
        unit().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[with_context]
async fn units(choice: Option<()>) -> Result<(), Cancelled> {
    unit().await;
    if choice.is_none() {
        unit().await;
    } else {
        tokio::task::yield_now().await;
    }
    match choice {
        Some(()) => unit().await,
        None => return Ok(unit().await),
    }
    let () = (unit().await, unit().await).0;
    let () = unit().await;
    let _: () = unit().await;
    std::mem::drop(vec![unit().await]);
    Ok(unit().await)
}

#[with_context]
async fn pending_tail() -> Result<u32, Cancelled> {
    pending().await
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    units(&ctx, Some(())).await.unwrap();
    let soon = ctx.with_timeout(Duration::from_millis(5));
    assert!(until_cancelled(&soon).await.is_err());
    let soon = ctx.with_timeout(Duration::from_millis(5));
    assert!(statement(&soon).await.is_err());
    let soon = ctx.with_timeout(Duration::from_millis(5));
    assert!(loops(&soon).await.is_err());
    let soon = ctx.with_timeout(Duration::from_millis(5));
    assert!(pending_tail(&soon).await.is_err());
}
