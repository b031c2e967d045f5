//! Rule C5: the checkpoint uses the `ctx` that is in scope at its `.await`.
//!
//! The other half of the rule is the compiler's: `ui-tests/fail` holds what an await after `ctx` was moved
//! away, and a `ctx` that is no context, are told.

use crate::support::{HOUR, Wakes, poll};
use ctx::{CancelScope, Cancelled, Context, with_context};
use std::{
    future::{Future, pending},
    time::Duration,
};

#[tokio::test(start_paused = true)]
async fn c5_a_shadowing_context_governs_what_follows_and_nothing_before() {
    #[with_context]
    async fn narrowed() -> Result<(), Cancelled> {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let ctx = ctx.with_timeout(Duration::from_secs(1));
        pending::<()>().await;
        drop(ctx);
        Ok(())
    }
    let root = Context::background().with_timeout(HOUR);
    let start = tokio::time::Instant::now();
    let late = narrowed(&root).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(6));
    assert!(late.report().to_string().contains("deadline: 1s, set at"));
    assert!(!root.is_cancelled());
}

#[test]
fn c5_an_inner_block_shadows_only_itself() {
    #[with_context]
    async fn blocks(other: &Context) -> Result<&'static str, Cancelled> {
        let inner = async { 7 };
        {
            let ctx = other;
            assert_eq!(inner.await, 7);
            let _ = ctx;
        }
        pending::<()>().await;
        Ok("never")
    }
    let (root, other) = (
        Context::background().with_cancel(),
        Context::background().with_cancel(),
    );
    let wakes = Wakes::new();
    let mut work = Box::pin(blocks(&root, &other));
    assert!(poll(&mut work, &wakes).is_pending());
    other.cancel();
    assert!(poll(&mut work, &wakes).is_pending(), "that block is over");
    root.cancel();
    assert!(poll(&mut work, &wakes).is_ready());
}

#[with_context(owned)]
async fn callee() -> Result<(), Cancelled> {
    pending::<()>().await;
    Ok(())
}

#[test]
fn c5_the_awaited_expression_may_move_the_context() {
    #[with_context(owned)]
    async fn caller() -> Result<(), Cancelled> {
        callee(ctx).await
    }
    let root = Context::background().with_cancel();
    let wakes = Wakes::new();
    let mut work = Box::pin(caller(root.clone()));
    assert!(poll(&mut work, &wakes).is_pending());
    root.cancel_with("moved along");
    assert_eq!(wakes.count(), 1);
    let std::task::Poll::Ready(Err(cancelled)) = poll(&mut work, &wakes) else {
        panic!("the handle was taken before the context was moved");
    };
    assert_eq!(cancelled.cause().unwrap().to_string(), "moved along");
}

#[test]
fn c5_a_scope_is_taken_by_clone_and_not_detached_by_it() {
    #[with_context]
    async fn scoped() -> Result<(), Cancelled> {
        let ctx: CancelScope = ctx.with_cancel();
        take(ctx).await;
        Ok(())
    }
    // Dropping the scope inside the awaited future ends the context that the checkpoint is on.
    async fn take(scope: CancelScope) {
        drop(scope);
        pending::<()>().await;
    }
    let root = Context::background().with_cancel();
    let wakes = Wakes::new();
    let mut work = Box::pin(scoped(&root));
    let std::task::Poll::Ready(Err(cancelled)) = poll(&mut work, &wakes) else {
        panic!("the scope ended in this poll, and its future is pending");
    };
    assert_eq!(cancelled.trigger(), ctx::Trigger::Dropped);
}

#[test]
fn c5_a_context_bound_by_a_pattern_in_a_macro_governs_its_guard() {
    #[with_context]
    async fn guarded(other: &Context) -> Result<bool, Cancelled> {
        Ok(matches!(other, ctx if { pending::<()>().await; ctx.is_cancelled() }))
    }
    ends_with_the_other(guarded);
}

#[test]
fn c5_a_context_bound_by_a_raw_name_governs_what_follows() {
    #[with_context]
    async fn raw(other: &Context) -> Result<bool, Cancelled> {
        let r#ctx = other;
        pending::<()>().await;
        Ok(ctx.is_cancelled())
    }
    ends_with_the_other(raw);
}

/// Runs a function that waits, on the first context, where the second has shadowed it.
#[track_caller]
fn ends_with_the_other<'c, F>(function: impl FnOnce(&'c Context, &'c Context) -> F)
where
    F: Future<Output = Result<bool, Cancelled>>,
{
    let root = Box::leak(Box::new(Context::background().with_cancel()));
    let other = Box::leak(Box::new(Context::background().with_cancel()));
    let wakes = Wakes::new();
    let mut work = Box::pin(function(root, other));
    assert!(poll(&mut work, &wakes).is_pending());
    root.cancel();
    assert_eq!(
        wakes.count(),
        0,
        "nothing waits for the end of the outer one"
    );
    assert!(poll(&mut work, &wakes).is_pending());
    other.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(matches!(
        poll(&mut work, &wakes),
        std::task::Poll::Ready(Err(_))
    ));
}

#[test]
fn c5_a_context_bound_by_the_authors_macro_governs_what_follows() {
    macro_rules! narrow {
        ($name:ident, $to:expr) => {
            let $name = $to;
        };
    }
    #[with_context]
    async fn narrowed(other: &Context) -> Result<bool, Cancelled> {
        narrow!(ctx, other);
        pending::<()>().await;
        Ok(ctx.is_cancelled())
    }
    ends_with_the_other(narrowed);
}

#[test]
fn c5_a_context_bound_in_an_expression_governs_what_sees_it() {
    #[with_context]
    async fn by_if(other: &Context) -> Result<bool, Cancelled> {
        if let Some(ctx) = Some(other) {
            pending::<()>().await;
            drop(ctx.err());
        }
        Ok(true)
    }
    #[with_context]
    async fn by_chain(other: &Context) -> Result<bool, Cancelled> {
        if true && let (Some(ctx), true) = (Some(other), true) {
            pending::<()>().await;
            drop(ctx.err());
        }
        Ok(true)
    }
    #[with_context]
    async fn by_condition(other: &Context) -> Result<bool, Cancelled> {
        Ok(
            if let Some(ctx) = Some(other)
                && {
                    pending::<()>().await;
                    ctx.is_cancelled()
                }
            {
                true
            } else {
                false
            },
        )
    }
    #[with_context]
    async fn by_while(other: &Context) -> Result<bool, Cancelled> {
        let mut once = Some(other);
        while let Some(ctx) = once.take() {
            pending::<()>().await;
            drop(ctx.err());
        }
        Ok(true)
    }
    #[with_context]
    async fn by_for(other: &Context) -> Result<bool, Cancelled> {
        for ctx in [other] {
            pending::<()>().await;
            drop(ctx.err());
        }
        Ok(true)
    }
    #[with_context]
    async fn by_match(other: &Context) -> Result<bool, Cancelled> {
        match Some(other) {
            Some(ctx) => {
                pending::<()>().await;
                Ok(ctx.is_cancelled())
            }
            None => Ok(false),
        }
    }
    ends_with_the_other(by_if);
    ends_with_the_other(by_chain);
    ends_with_the_other(by_condition);
    ends_with_the_other(by_while);
    ends_with_the_other(by_for);
    ends_with_the_other(by_match);
}

#[test]
fn c5_a_context_bound_by_a_statement_governs_what_follows() {
    struct Held<'c> {
        ctx: &'c Context,
    }
    #[with_context]
    async fn by_field(other: &Context) -> Result<bool, Cancelled> {
        let Held { ctx } = Held { ctx: other };
        pending::<()>().await;
        Ok(ctx.is_cancelled())
    }
    #[with_context]
    async fn by_type(other: &Context) -> Result<bool, Cancelled> {
        let ctx: &Context = other;
        pending::<()>().await;
        Ok(ctx.is_cancelled())
    }
    #[with_context]
    async fn by_whole(other: &Context) -> Result<bool, Cancelled> {
        let whole @ Held { ctx } = Held { ctx: other };
        pending::<()>().await;
        Ok(ctx.is_cancelled() || whole.ctx.is_cancelled())
    }
    #[with_context]
    async fn by_else(other: &Context) -> Result<bool, Cancelled> {
        let Some(ctx) = Some(other) else {
            return Ok(false);
        };
        pending::<()>().await;
        Ok(ctx.is_cancelled())
    }
    #[with_context]
    async fn by_select(other: &Context) -> Result<bool, Cancelled> {
        tokio::select! {
            ctx = std::future::ready(other) => {
                pending::<()>().await;
                Ok(ctx.is_cancelled())
            }
        }
    }
    ends_with_the_other(by_field);
    ends_with_the_other(by_type);
    ends_with_the_other(by_whole);
    ends_with_the_other(by_else);
    ends_with_the_other(by_select);
}

mod named {
    #[allow(non_upper_case_globals)]
    pub(super) static ctx: ctx::Context = ctx::Context::background();
}

#[test]
#[allow(non_upper_case_globals)]
fn c5_an_item_that_is_a_context_governs_its_whole_block() {
    #[with_context]
    async fn by_static() -> Result<bool, Cancelled> {
        static ctx: Context = Context::background();
        pending::<()>().await;
        Ok(ctx.is_cancelled())
    }
    #[with_context]
    async fn by_const() -> Result<bool, Cancelled> {
        const ctx: Context = Context::background();
        pending::<()>().await;
        Ok(ctx.is_cancelled())
    }
    #[with_context]
    async fn by_use() -> Result<bool, Cancelled> {
        use named::ctx;
        pending::<()>().await;
        Ok(ctx.is_cancelled())
    }
    let root = Context::background().with_cancel();
    let wakes = Wakes::new();
    let mut all: Vec<std::pin::Pin<Box<dyn Future<Output = _>>>> = vec![
        Box::pin(by_static(&root)),
        Box::pin(by_const(&root)),
        Box::pin(by_use(&root)),
    ];
    assert!(all.iter_mut().all(|it| poll(it, &wakes).is_pending()));
    root.cancel();
    assert_eq!(wakes.count(), 0);
    assert!(all.iter_mut().all(|it| poll(it, &wakes).is_pending()));
}
