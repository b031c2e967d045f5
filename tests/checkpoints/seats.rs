//! C8 and M14 where the awaits of one annotated function share a state, which stays in the scope's list.

use super::helpers::{Gate, Gated, ROOT, Slot, finish, gated, passes_and_is_held, run};
use crate::support::{Wakes, poll_pinned};
use ctx::{Cancelled, Context, with_context};
use std::{
    cell::RefCell,
    future::{Future, pending, poll_fn, ready},
    panic::UnwindSafe,
    pin::pin,
    sync::Arc,
    task::Poll,
};
use tokio::task::{coop, yield_now};

/// In a loop, as the only await of a function has a state of its own.
#[with_context]
async fn passes(gate: Gated) -> Result<(), Cancelled> {
    for gate in [gate] {
        gate.await;
    }
    Ok(())
}

#[with_context]
async fn passes_both(first: Gated, second: Gated) -> Result<(), Cancelled> {
    first.await;
    second.await;
    Ok(())
}

#[with_context]
async fn waits_for_one_poll() -> Result<(), Cancelled> {
    for mut waited in [false] {
        poll_fn(|_| {
            if std::mem::replace(&mut waited, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
    Ok(())
}

/// Polls once, opens the gate, and leaves it to the caller to poll again.
#[track_caller]
fn reach(work: std::pin::Pin<&mut impl Future>, gate: &Gate, wakes: &Arc<Wakes>) {
    assert!(run(work, wakes).is_pending());
    gate.open();
}

#[test]
fn c8_a_function_that_is_over_has_left_the_list() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let (gate, future) = gated();
    let mut work = Box::pin(passes(&scope, future));
    reach(work.as_mut(), &gate, &wakes);
    finish(work.as_mut(), &wakes).unwrap();
    assert_eq!(Arc::strong_count(&wakes), 1, "nobody holds the waker");
    let before = wakes.count();
    scope.cancel();
    assert_eq!(wakes.count(), before);
}

#[test]
fn c8_a_function_that_is_dropped_between_its_awaits_has_left_the_list() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let (gate, future) = gated();
    let mut work = Box::pin(passes_and_is_held(&scope, future));
    reach(work.as_mut(), &gate, &wakes);
    assert!(run(work.as_mut(), &wakes).is_pending());
    drop(work);
    assert_eq!(Arc::strong_count(&wakes), 1, "nobody holds the waker");
}

#[test]
fn c8_an_await_that_waits_and_ends_in_one_poll_leaves_the_watch_to_the_one_around_it() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let (gate, future) = gated();
    let (_second, never) = gated();
    let mut work = Some(Box::pin(passes_both(&scope, future, never)));
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        if let Some(work) = &mut work {
            assert!(work.as_mut().poll(cx).is_pending());
            gate.open();
            // It waits at its second await, is dropped, and takes its answer back.
            assert!(work.as_mut().poll(cx).is_pending());
        }
        work = None;
        Poll::<()>::Pending
    })));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(finish(outer.as_mut(), &wakes).is_err());
}

#[test]
fn c8_an_await_that_ends_unwoken_in_the_poll_in_which_it_waited_takes_its_answer_back() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut work = Some(Box::pin(waits_for_one_poll(&scope)));
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        if let Some(mut work) = work.take() {
            assert!(work.as_mut().poll(cx).is_pending());
            assert!(work.as_mut().poll(cx).is_ready());
        }
        Poll::<()>::Pending
    })));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    assert_eq!(wakes.count(), 0);
    scope.cancel();
    assert_eq!(wakes.count(), 1);
}

#[test]
fn c8_a_function_that_has_moved_to_another_task_wakes_the_first_one_no_more() {
    let scope = ROOT.with_cancel();
    let (first, second) = (Wakes::new(), Wakes::new());
    let (gate, future) = gated();
    let mut work = Box::pin(passes_and_is_held(&scope, future));
    reach(work.as_mut(), &gate, &first);
    assert!(run(work.as_mut(), &second).is_pending());
    let before = first.count();
    scope.cancel();
    assert_eq!(first.count(), before);
}

#[test]
fn c8_the_next_await_waits_with_the_waker_of_its_own_poll() {
    let scope = ROOT.with_cancel();
    let (first, second) = (Wakes::new(), Wakes::new());
    let ((gate, future), (_closed, never)) = (gated(), gated());
    let mut work = Box::pin(passes_both(&scope, future, never));
    reach(work.as_mut(), &gate, &first);
    assert!(run(work.as_mut(), &first).is_pending());
    assert!(run(work.as_mut(), &second).is_pending());
    let before = second.count();
    scope.cancel();
    assert_eq!(second.count(), before + 1);
    assert!(finish(work.as_mut(), &second).is_err());
}

#[test]
fn m14_a_function_stays_unwind_safe_when_it_was() {
    #[with_context]
    async fn seated() -> Result<u32, Cancelled> {
        Ok(ready(1).await + ready(2).await)
    }
    #[with_context]
    async fn only() -> Result<u32, Cancelled> {
        Ok(ready(1).await)
    }
    fn is_unwind_safe<T: UnwindSafe>(value: T) -> T {
        value
    }
    let ctx = Context::background();
    drop(is_unwind_safe(only(&ctx)));
    let mut work = pin!(is_unwind_safe(seated(&ctx)));
    assert!(poll_pinned(work.as_mut(), &Wakes::new()).is_ready());
}

#[test]
fn c8_a_function_that_is_dropped_with_all_inside_wakes_nobody() {
    #[with_context]
    async fn around(gate: Gated) -> Result<(), Cancelled> {
        passes(ctx, gate).await
    }
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let (_closed, future) = gated();
    let mut work = Box::pin(around(&scope, future));
    assert!(run(work.as_mut(), &wakes).is_pending());
    drop(work);
    assert_eq!(wakes.count(), 0);
}

#[test]
fn c8_a_middle_one_whose_function_ends_in_the_poll_in_which_it_waited_waits_for_itself() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut middle = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        let mut work = pin!(waits_for_one_poll(&scope));
        assert!(work.as_mut().poll(cx).is_pending());
        assert!(work.as_mut().poll(cx).is_ready());
        Poll::<()>::Pending
    })));
    {
        let outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
            assert!(middle.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })));
        assert!(poll_pinned(outer, &wakes).is_ready());
    }
    scope.cancel();
    assert_eq!(wakes.count(), 1);
}

#[test]
fn c8_a_function_that_moved_while_one_inside_waits_wakes_the_first_task_no_more() {
    #[with_context]
    async fn passes_and_calls(first: Gated, second: Gated) -> Result<(), Cancelled> {
        first.await;
        passes(ctx, second).await
    }
    let scope = ROOT.with_cancel();
    let (first, second) = (Wakes::new(), Wakes::new());
    let ((gate, future), (_closed, never)) = (gated(), gated());
    let mut work = Box::pin(scope.run_until_cancelled(passes_and_calls(&scope, future, never)));
    reach(work.as_mut(), &gate, &first);
    assert!(run(work.as_mut(), &first).is_pending());
    assert!(run(work.as_mut(), &second).is_pending());
    let before = first.count();
    scope.cancel();
    assert_eq!(first.count(), before);
    assert!(finish(work.as_mut(), &second).unwrap().is_err());
}

#[with_context]
async fn passes_on_a_scope(first: Gated, second: Gated) -> Result<(), Cancelled> {
    let ctx = ctx.with_cancel();
    first.await;
    second.await;
    Ok(())
}

#[with_context(owned)]
async fn passes_and_detaches(gate: Gated) -> Result<Context, Cancelled> {
    let ctx = ctx.with_cancel();
    gate.await;
    Ok(ctx.detach())
}

#[test]
fn c8_a_scope_that_ends_before_its_function_wakes_nobody() {
    let wakes = Wakes::new();
    let ((gate, first), (other, second)) = (gated(), gated());
    let root = ROOT;
    let mut work = Box::pin(passes_on_a_scope(&root, first, second));
    reach(work.as_mut(), &gate, &wakes);
    reach(work.as_mut(), &other, &wakes);
    let before = wakes.count();
    assert!(run(work.as_mut(), &wakes).is_ready());
    assert_eq!(wakes.count(), before);
}

#[test]
fn c8_a_scope_that_is_moved_away_has_nobody_in_its_list() {
    let wakes = Wakes::new();
    let root = ROOT.with_cancel();
    let (gate, future) = gated();
    let mut work = Box::pin(passes_and_detaches(root.clone(), future));
    reach(work.as_mut(), &gate, &wakes);
    let moved = finish(work.as_mut(), &wakes).unwrap();
    assert_eq!(Arc::strong_count(&wakes), 1, "nobody holds the waker");
    let before = wakes.count();
    root.cancel();
    assert!(moved.is_cancelled());
    assert_eq!(wakes.count(), before);
}

#[test]
fn c8_a_state_that_changes_its_context_leaves_the_first_list() {
    // The macro makes one state for each context; this is what stands behind it.
    use ctx::__private::{Body, race_on};
    let (a, b) = (ROOT.with_cancel(), ROOT.with_cancel());
    let wakes = Wakes::new();
    let ((gate, first), (_closed, second)) = (gated(), gated());
    let mut work = Box::pin(async {
        let mut body = Body::unbound();
        race_on(&a, first, &mut body).await?;
        race_on(&b, second, &mut body).await
    });
    reach(work.as_mut(), &gate, &wakes);
    assert!(run(work.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    a.cancel();
    assert_eq!(wakes.count(), before, "it waits for the other one now");
    b.cancel();
    assert_eq!(wakes.count(), before + 1);
    assert!(finish(work.as_mut(), &wakes).is_none());
}

/// The one around it waits for itself since the first await was ready, and needs nobody's word any more.
#[test]
fn c8_a_function_that_is_dropped_after_an_await_that_had_answered_wakes_nobody() {
    #[with_context]
    async fn passes_and_waits_without_a_checkpoint(gate: Gated) -> Result<(), Cancelled> {
        gate.await;
        #[checkpoints(none)]
        pending::<()>().await;
        Ok(())
    }
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let (gate, future) = gated();
    let work = Slot::new(passes_and_waits_without_a_checkpoint(&scope, future));
    let mut outer = Box::pin(scope.run_until_cancelled(work.future()));
    reach(outer.as_mut(), &gate, &wakes);
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    drop(work.take());
    assert_eq!(wakes.count(), before, "it is woken for nothing");
    scope.cancel();
    assert_eq!(wakes.count(), before + 1);
    assert!(finish(outer.as_mut(), &wakes).is_err());
}

/// Where the budget stops an await, it has answered, and stands in no list. What it keeps that in had belonged to one
/// that waited with the same waker, and the await is ready when it is polled again, so that nothing tells it from
/// one that has its place.
#[tokio::test]
async fn c8_the_await_after_one_that_the_budget_stopped_enters_the_list() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    {
        let waited = pin!(scope.run_until_cancelled(pending::<()>()));
        assert!(poll_pinned(waited, &wakes).is_pending());
    }
    let ((gate, first), (_closed, second)) = (gated(), gated());
    gate.open();
    let mut work = Box::pin(passes_both(&scope, first, second));
    let mut spends = true;
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        if std::mem::take(&mut spends) {
            while let Poll::Ready(budget) = coop::poll_proceed(cx) {
                budget.made_progress();
            }
        }
        work.as_mut().poll(cx)
    })));
    for _ in 0..2 {
        assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
        // With this comes a fresh budget.
        yield_now().await;
    }
    let before = wakes.count();
    scope.cancel();
    assert_eq!(wakes.count(), before + 1);
    assert!(matches!(finish(outer.as_mut(), &wakes), Ok(Err(_))));
}

#[test]
fn c4_a_function_has_dropped_what_it_gave_up_before_its_error_is_made() {
    struct Late(bool);
    thread_local! {
        static GATE: RefCell<Option<Gate>> = const { RefCell::new(None) };
    }
    impl From<Cancelled> for Late {
        fn from(_: Cancelled) -> Self {
            Self(GATE.with_borrow(|gate| !gate.as_ref().is_some_and(Gate::is_dropped)))
        }
    }
    #[with_context]
    async fn waits(future: Gated) -> Result<(), Late> {
        future.await;
        Ok(())
    }
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let (gate, future) = gated();
    GATE.set(Some(gate));
    let mut work = Box::pin(waits(&scope, future));
    assert!(run(work.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(matches!(finish(work.as_mut(), &wakes), Err(Late(false))));
}
