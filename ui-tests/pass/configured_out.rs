#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::future::ready;

#[with_context]
async fn without_macros() -> Result<u32, Cancelled> {
    #[cfg(any())]
    tokio::select! { _ = absent() => {} }
    #[cfg(any())]
    tokio::join!(absent(), absent());
    #[cfg(any())]
    let absent = tokio::try_join!(absent(), absent());
    #[cfg(any())]
    dbg!(absent().await);
    #[allow(unused_must_use)]
    tokio::join!(ready(Some(1)), ready(Ok::<u32, u32>(2)));
    #[cfg(not(miri))]
    let (number,) = tokio::join!(ready(3));
    Ok(number)
}

#[with_context(owned)]
async fn without_shields() -> Result<u32, Cancelled> {
    #[cfg(any())]
    #[shield]
    {
        absent().await;
    }
    #[shield]
    #[cfg(any())]
    if absent().await {}
    drop(ctx);
    #[cfg(any())]
    #[shield]
    let absent = absent().await;
    #[checkpoints(none)]
    let number = ready(3).await;
    Ok(number)
}

#[with_context]
async fn without_another_context() -> Option<u32> {
    let ctx = ctx.with_cancel();
    #[cfg(any())]
    let ctx = absent();
    #[cfg(any())]
    drop(ctx);
    Some(ready(3).await)
}

ctx::ctx_value! { USER: u32; }

#[with_context]
async fn without_values(
    #[cfg(any())]
    #[value]
    absent: &Absent,
    #[value]
    #[allow(unused_variables)]
    user: Option<&u32>,
) -> Option<u32> {
    Some(ready(3).await)
}

#[tokio::test]
async fn behaves() {
    let ctx = Context::background();
    assert_eq!(without_macros(&ctx).await.unwrap(), 3);
    assert_eq!(without_shields(ctx.clone()).await.unwrap(), 3);
    assert_eq!(without_another_context(&ctx).await, Some(3));
    assert_eq!(without_values(&ctx.with_value(&USER, 1)).await, Some(3));
}
