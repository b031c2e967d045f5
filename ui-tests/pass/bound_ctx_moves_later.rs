#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{CancelScope, Cancelled, Context, with_context};
use std::{future::Future, time::Duration};

struct Request {
    ctx: Context,
}

macro_rules! take {
    ($context:ident) => {
        drop($context)
    };
}

macro_rules! note {
    ($($context:tt)*) => {
        let _ = format!("{:?}", $($context)*);
    };
}

async fn step() {
    tokio::task::yield_now().await;
}

async fn on(ctx: &Context) {
    let _ = ctx.is_cancelled();
    tokio::task::yield_now().await;
}

const fn keep(ctx: Context) -> Request {
    Request { ctx }
}

#[with_context(owned)]
async fn moves_into_a_call() -> Result<Request, Cancelled> {
    step().await;
    on(&ctx).await;
    Ok(keep(ctx))
}

#[with_context(owned)]
async fn moves_into_a_struct() -> Result<Request, Cancelled> {
    step().await;
    Ok(Request { ctx })
}

#[with_context]
async fn detaches() -> Result<Request, Cancelled> {
    let ctx = ctx.with_timeout(Duration::from_secs(9));
    step().await;
    note!(&ctx);
    on(&ctx).await;
    Ok(Request { ctx: ctx.detach() })
}

#[with_context]
async fn moves_in_one_branch(last: bool) -> Result<Option<Context>, Cancelled> {
    let ctx = ctx.with_cancel();
    for _ in 0..2 {
        step().await;
    }
    if last {
        return Ok(Some(ctx.detach()));
    }
    step().await;
    Ok(None)
}

#[with_context(owned)]
async fn moves_into_a_macro() -> Result<(), Cancelled> {
    step().await;
    take!(ctx);
    Ok(())
}

#[with_context(owned)]
async fn is_replaced() -> Result<bool, Cancelled> {
    let mut ctx = ctx.clone();
    step().await;
    let before = std::mem::replace(&mut ctx, Context::background());
    step().await;
    Ok(before.is_cancelled())
}

macro_rules! call {
    ($($closure:tt)*) => {
        ($($closure)*)()
    };
}

#[with_context(owned)]
async fn moves_into_a_closure_in_a_macro() -> Result<bool, Cancelled> {
    step().await;
    Ok(call!(move || ctx.is_cancelled()))
}

#[with_context(owned)]
async fn moves_into_a_closure() -> Result<bool, Cancelled> {
    step().await;
    let ask = move || ctx.is_cancelled();
    Ok(ask())
}

#[with_context(owned)]
async fn moves_into_a_block() -> Result<impl Future<Output = bool>, Cancelled> {
    step().await;
    Ok(async move { ctx.is_cancelled() })
}

#[with_context(owned)]
async fn moves_raw() -> Result<(), Cancelled> {
    step().await;
    drop(r#ctx);
    Ok(())
}

#[with_context]
async fn is_another_one_each_time() -> Result<u32, Cancelled> {
    let mut rounds = 0;
    let mut ctx = ctx.with_cancel();
    while rounds < 3 {
        step().await;
        ctx = Context::background().with_cancel();
        on(&ctx).await;
        rounds += 1;
    }
    Ok(rounds)
}

#[with_context]
async fn binds_many() -> Result<(), Cancelled> {
    step().await;
    let ctx = ctx.with_cancel();
    step().await;
    {
        let ctx: &CancelScope = &ctx;
        step().await;
        let ctx = &ctx.without_cancel();
        on(ctx).await;
    }
    step().await;
    let ctx = ctx.with_cancel();
    tokio::select! {
        () = on(&ctx) => step().await,
        () = step() => {}
    }
    step().await;
    let (ctx, _) = (ctx, 1);
    step().await;
    drop(ctx);
    Ok(())
}

#[with_context(owned)]
async fn in_blocks_and_closures() -> Result<(), Cancelled> {
    let block = #[with_context]
    async {
        step().await;
        on(&ctx).await;
        Ok::<_, Cancelled>(())
    };
    block.await?;
    let work = #[with_context]
    async || -> Result<Context, Cancelled> {
        step().await;
        on(&ctx).await;
        Ok(ctx.clone())
    };
    drop(work().await?);
    let mine = Context::background();
    let block = #[with_context]
    async move {
        let ctx = mine;
        step().await;
        step().await;
        Ok::<_, Cancelled>(ctx)
    };
    drop(block.await?);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let root = Context::background();
    assert!(
        !moves_into_a_call(root.clone())
            .await
            .unwrap()
            .ctx
            .is_cancelled()
    );
    assert!(
        !moves_into_a_struct(root.clone())
            .await
            .unwrap()
            .ctx
            .is_cancelled()
    );
    assert!(!detaches(&root).await.unwrap().ctx.is_cancelled());
    assert!(moves_in_one_branch(&root, true).await.unwrap().is_some());
    assert!(moves_in_one_branch(&root, false).await.unwrap().is_none());
    moves_into_a_macro(root.clone()).await.unwrap();
    assert!(!moves_into_a_closure(root.clone()).await.unwrap());
    assert!(!is_replaced(root.clone()).await.unwrap());
    let moved = moves_into_a_closure_in_a_macro(root.clone());
    assert!(!moved.await.unwrap());
    assert!(!moves_into_a_block(root.clone()).await.unwrap().await);
    moves_raw(root.clone()).await.unwrap();
    assert_eq!(is_another_one_each_time(&root).await.unwrap(), 3);
    binds_many(&root).await.unwrap();
    in_blocks_and_closures(root.clone()).await.unwrap();
}
