#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn step() {
    tokio::task::yield_now().await;
}

async fn pass<T>(value: T) -> T {
    tokio::task::yield_now().await;
    value
}

#[with_context]
async fn in_a_closure_after_an_await() -> Result<String, Cancelled> {
    let ctx = ctx.with_value(&DEPTH, 1);
    step().await;
    let say = move || format!("{ctx:?}");
    Ok(say())
}

#[with_context(owned)]
async fn in_a_closure_that_is_awaited() -> Result<String, Cancelled> {
    let say = pass(move || format!("{ctx:?}")).await;
    Ok(say())
}

#[with_context(owned)]
async fn in_a_task() -> Result<String, Cancelled> {
    step().await;
    let task = tokio::spawn(async move { format!(r"{ctx:#?}") });
    Ok(
        #[checkpoints(none)]
        task.await.expect("nobody ends it"),
    )
}

#[with_context]
async fn by_reference() -> Result<String, Cancelled> {
    let ctx = ctx.with_cancel();
    step().await;
    let text = format!("{ctx:?}");
    step().await;
    Ok(text)
}

ctx::ctx_value! {
    DEPTH: u32;
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let root = Context::background();
    assert!(in_a_closure_after_an_await(&root).await.is_ok());
    assert!(in_a_closure_that_is_awaited(root.clone()).await.is_ok());
    assert!(in_a_task(root.clone()).await.is_ok());
    assert!(by_reference(&root).await.is_ok());
}
