#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::{future::pending, time::Duration};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn tighter() -> Result<u32, Cancelled> {
    let number = one().await;
    let ctx = ctx.with_timeout(Duration::from_millis(5));
    pending::<()>().await;
    Ok(number + u32::from(ctx.is_cancelled()))
}

#[with_context]
async fn in_a_block() -> Result<u32, Cancelled> {
    let mut number = 0;
    for _ in 0..2 {
        let ctx = &ctx.with_cancel();
        number += one().await;
        ctx.cancel();
    }
    Ok(number + one().await)
}

#[with_context]
async fn without() -> Result<u32, Cancelled> {
    let ctx = ctx.without_cancel();
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(one().await + u32::from(ctx.is_cancelled()))
}

#[with_context]
async fn in_a_pattern(contexts: Vec<Context>) -> Result<u32, Cancelled> {
    let mut number = 0;
    for ctx in contexts {
        number += one().await;
        drop(ctx);
    }
    if let Some(ctx) = Some(ctx.clone()) {
        number += one().await;
        drop(ctx);
    }
    Ok(number)
}

#[with_context]
async fn in_a_chain(other: Option<&Context>, number: u32) -> Result<u32, Cancelled> {
    if number > 0
        && let Some(ctx) = other
    {
        return Ok(one().await + u32::from(ctx.is_cancelled()));
    }
    Ok(number)
}

#[with_context]
async fn in_a_part_of_a_pattern(other: (&Context, u32)) -> Result<u32, Cancelled> {
    let both @ (ctx, number) = other;
    Ok(one().await + both.1 + number + u32::from(ctx.is_cancelled()))
}

#[with_context]
async fn behind_a_name(other: Option<&Context>) -> Result<u32, Cancelled> {
    match other {
        whole @ Some(ctx) => Ok(one().await + u32::from(whole.is_none() || ctx.is_cancelled())),
        None => Ok(one().await),
    }
}

#[with_context]
async fn in_a_guard(other: Option<&Context>) -> Result<bool, Cancelled> {
    Ok(matches!(other, Some(ctx) if one().await == 1 && !ctx.is_cancelled()))
}

macro_rules! bind {
    ($name:ident, $value:expr) => {
        let $name = $value;
    };
}

#[with_context]
async fn by_a_macro(other: &Context) -> Result<u32, Cancelled> {
    bind!(ctx, other);
    Ok(one().await + u32::from(ctx.is_cancelled()))
}

#[tokio::test(start_paused = true)]
async fn each_await_is_on_the_latest() {
    let ctx = &Context::background();
    let scope = ctx.with_cancel();
    assert_eq!(in_a_chain(ctx, Some(&scope), 1).await.unwrap(), 1);
    assert_eq!(in_a_part_of_a_pattern(ctx, (&scope, 1)).await.unwrap(), 3);
    assert_eq!(behind_a_name(ctx, Some(&scope)).await.unwrap(), 1);
    assert_eq!(by_a_macro(ctx, &scope).await.unwrap(), 1);
    scope.cancel();
    assert!(in_a_chain(ctx, Some(&scope), 1).await.is_err());
    assert!(in_a_part_of_a_pattern(ctx, (&scope, 1)).await.is_err());
    assert!(behind_a_name(ctx, Some(&scope)).await.is_err());
    assert!(by_a_macro(ctx, &scope).await.is_err());
    assert!(in_a_guard(ctx, Some(&scope)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert!(tighter(&ctx).await.unwrap_err().is_deadline_exceeded());
    assert!(!ctx.is_cancelled());
    assert_eq!(in_a_block(&ctx).await.unwrap(), 3);
    assert_eq!(
        in_a_pattern(&ctx, vec![Context::background(); 2])
            .await
            .unwrap(),
        3
    );
    let ended = ctx.with_cancel();
    ended.cancel();
    assert_eq!(without(&ended).await.unwrap(), 1);
    assert!(in_a_pattern(&ctx, vec![ended.clone()]).await.is_err());
}
