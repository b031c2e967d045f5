#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

struct Request {
    ctx: Context,
    number: u32,
}

impl Request {
    const fn context(&self) -> &Context {
        &self.ctx
    }
}

async fn step() {
    tokio::task::yield_now().await;
}

fn number(request: Request) -> u32 {
    drop(request.ctx);
    request.number
}

#[with_context]
async fn of_a_scope_that_ends() -> Result<u32, Cancelled> {
    let scope = ctx.with_cancel();
    let ctx = &scope;
    step().await;
    step().await;
    drop(scope);
    Ok(1)
}

#[with_context]
async fn of_a_scope_that_is_detached() -> Result<Context, Cancelled> {
    let scope = ctx.with_cancel();
    let ctx: &Context = &scope;
    step().await;
    let ctx = &ctx;
    step().await;
    Ok(scope.detach())
}

#[with_context]
async fn of_a_request_that_is_moved(request: Request) -> Result<u32, Cancelled> {
    let ctx = request.context();
    step().await;
    Ok(number(request))
}

#[with_context]
async fn of_a_field_that_is_moved(request: Request) -> Result<u32, Cancelled> {
    let Request { ctx, .. } = &request;
    step().await;
    Ok(number(request))
}

#[with_context]
#[allow(clippy::toplevel_ref_arg)]
async fn by_a_pattern_with_a_type() -> Result<u32, Cancelled> {
    let scope = ctx.with_cancel().detach();
    let ref ctx: Context = scope;
    step().await;
    drop(scope);
    Ok(1)
}

/// A closure without a block has nothing in front of one.
#[with_context]
async fn in_a_block_behind_a_closure(request: Request) -> Result<u32, Cancelled> {
    let ctx = request.context();
    let twice = #[with_context]
    async || Ok::<_, Cancelled>((step().await, step().await));
    assert_eq!(twice().await?, ((), ()));
    {
        step().await;
        Ok(number(request))
    }
}

/// The `ctx` of an arm is not the one before it.
#[with_context]
async fn of_what_an_arm_binds(request: Option<Request>) -> Result<u32, Cancelled> {
    let ctx = match &request {
        Some(Request { ctx, .. }) => ctx,
        None => ctx,
    };
    step().await;
    Ok(request.map_or(1, number))
}

#[with_context]
async fn of_a_list_that_grows() -> Result<usize, Cancelled> {
    let mut all = vec![ctx.clone()];
    let ctx = &all[0];
    step().await;
    all.push(Context::background());
    Ok(all.len())
}

#[with_context]
async fn of_a_temporary() -> Result<(), Cancelled> {
    let ctx = &ctx.with_cancel();
    step().await;
    let ctx = &ctx.without_cancel();
    step().await;
    Ok(())
}

#[with_context]
async fn which_a_macro_moves() -> Result<u32, Cancelled> {
    let ctx = ctx.with_cancel();
    macro_rules! end {
        () => {
            drop(ctx)
        };
    }
    step().await;
    end!();
    Ok(1)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let root = Context::background();
    let request = || Request {
        ctx: Context::background(),
        number: 4,
    };
    assert_eq!(of_a_scope_that_ends(&root).await.unwrap(), 1);
    assert!(
        !of_a_scope_that_is_detached(&root)
            .await
            .unwrap()
            .is_cancelled()
    );
    assert_eq!(
        of_a_request_that_is_moved(&root, request()).await.unwrap(),
        4
    );
    assert_eq!(of_a_field_that_is_moved(&root, request()).await.unwrap(), 4);
    assert_eq!(by_a_pattern_with_a_type(&root).await.unwrap(), 1);
    let behind = in_a_block_behind_a_closure(&root, request());
    assert_eq!(behind.await.unwrap(), 4);
    let optional = Some(request());
    assert_eq!(of_what_an_arm_binds(&root, optional).await.unwrap(), 4);
    assert_eq!(of_a_list_that_grows(&root).await.unwrap(), 2);
    assert!(of_a_temporary(&root).await.is_ok());
    assert_eq!(which_a_macro_moves(&root).await.unwrap(), 1);
}
