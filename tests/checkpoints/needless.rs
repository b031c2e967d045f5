//! C8 where nothing is to be told to anybody: what is over wakes nobody, and what does not wait is not woken.

use super::helpers::{Boxed, Gate, Gated, ROOT, finish, gated, run, waiting};
use crate::support::{Wakes, poll_pinned};
use ctx::{Cancelled, Context, with_context};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

type Inner = Boxed<Result<(), Cancelled>>;

/// Ready in the poll of that number, and keeps `inner` until it is dropped. `inner` is polled up to then, and
/// in the last poll if `at_last` says so.
fn keeps(mut inner: Inner, polls: usize, at_last: bool) -> impl Future<Output = ()> {
    let mut polled = 0;
    poll_fn(move |cx| {
        polled += 1;
        if polled < polls || at_last {
            assert!(inner.as_mut().poll(cx).is_pending());
        }
        if polled < polls {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
}

#[with_context]
async fn awaits(future: impl Future<Output = ()>, rest: Gated) -> Result<(), Cancelled> {
    future.await;
    rest.await;
    Ok(())
}

#[with_context]
async fn joins(future: impl Future<Output = ()>) -> Result<(), Cancelled> {
    let branch = async {
        future.await;
        Ok::<(), Cancelled>(())
    };
    tokio::try_join!(branch, async { Ok(()) })?;
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Checkpoint {
    ByHand,
    InAFunction,
    InABranch,
}

/// How often a task was woken by all that follows the last poll of `keeps`, which wakes it before.
fn woken_needlessly(around: usize, polls: usize, at_last: bool, checkpoint: Checkpoint) -> usize {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let future = keeps(waiting(&scope), polls, at_last);
    let ctx = scope.clone();
    let mut work: Inner = match checkpoint {
        Checkpoint::ByHand => Box::pin(scope.run_until_cancelled_owned(future)),
        Checkpoint::InAFunction => {
            let (gate, rest) = gated();
            gate.open();
            Box::pin(async move { awaits(&ctx, future, rest).await })
        }
        Checkpoint::InABranch => Box::pin(async move { joins(&ctx, future).await }),
    };
    for _ in 0..around {
        let ctx = scope.clone();
        work = Box::pin(async move { ctx.run_until_cancelled(work).await? });
    }
    while poll_pinned(work.as_mut(), &wakes).is_pending() {}
    drop(work);
    wakes.count() - (polls - 1)
}

#[test]
fn c8_a_checkpoint_inside_that_is_dropped_with_a_ready_future_wakes_nobody() {
    for around in 0..3 {
        for polls in 1..4 {
            for at_last in [false, true] {
                use Checkpoint::{ByHand, InABranch, InAFunction};
                for checkpoint in [ByHand, InAFunction, InABranch] {
                    let woken = woken_needlessly(around, polls, at_last, checkpoint);
                    let case = (around, polls, at_last, checkpoint);
                    assert_eq!(woken, 0, "around, polls, at last, checkpoint: {case:?}");
                }
            }
        }
    }
}

/// It was answered, then waited itself, and is over: who answered it then keeps watch for nobody.
#[test]
fn c8_a_checkpoint_that_waited_after_it_was_answered_is_over_when_it_is_ready() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut inner = Some(waiting(&scope));
    let mut polls = 0;
    let mut outer = pin!(scope.run_until_cancelled(poll_fn(move |cx| {
        polls += 1;
        match (polls, &mut inner) {
            (1, Some(inner)) => inner.as_mut().poll(cx).map(|_| None),
            (2, _) => Poll::Pending,
            _ => Poll::Ready(inner.take()),
        }
    })));
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    let inner = poll_pinned(outer, &wakes).map(Result::unwrap);
    assert!(matches!(inner, Poll::Ready(Some(_))));
    drop(inner);
    assert_eq!(wakes.count(), 0);
}

#[with_context]
async fn races_and_then_does_not(first: Gated, second: Gated) -> Result<(), Cancelled> {
    first.await;
    #[checkpoints(between)]
    second.await;
    Ok(())
}

fn between_after_a_race() -> (ctx::CancelScope, Gate, Gate, Inner) {
    let scope = ROOT.with_cancel();
    let ((first, race), (second, between)) = (gated(), gated());
    let ctx = scope.clone();
    let work: Inner = Box::pin(async move { races_and_then_does_not(&ctx, race, between).await });
    (scope, first, second, work)
}

#[test]
fn m7_a_between_call_after_another_await_is_not_woken_by_the_end() {
    let (scope, first, second, mut work) = between_after_a_race();
    let wakes = Wakes::new();
    assert!(run(work.as_mut(), &wakes).is_pending());
    first.open();
    assert!(run(work.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    scope.cancel();
    assert_eq!(
        wakes.count(),
        before,
        "it runs to its end, whatever happens"
    );
    assert!(run(work.as_mut(), &wakes).is_pending());
    second.open();
    assert!(finish(work.as_mut(), &wakes).is_ok());
}

#[test]
fn m7_a_between_call_that_is_awaited_inside_another_checkpoint_is_not_woken_either() {
    let (scope, first, second, work) = between_after_a_race();
    let wakes = Wakes::new();
    let mut outer = pin!(scope.run_until_cancelled(work));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    first.open();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(
        run(outer.as_mut(), &wakes).is_pending(),
        "the innermost decides"
    );
    second.open();
    assert!(finish(outer.as_mut(), &wakes).unwrap().is_ok());
}

#[with_context]
async fn waits_in(depth: usize, gate: Gated) -> Result<(), Cancelled> {
    if depth == 0 {
        gate.await;
        return Ok(());
    }
    Box::pin(waits_in(ctx, depth - 1, gate)).await
}

#[with_context]
async fn calls_and_then_does_not(first: Gated, second: Gated) -> Result<(), Cancelled> {
    waits_in(ctx, 2, first).await?;
    #[checkpoints(between)]
    second.await;
    Ok(())
}

/// Others have relied on what came to the function while it made its call, and these are over.
#[test]
fn m7_a_between_call_after_a_nested_call_is_not_woken_by_the_end() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let ((first, calls), (second, between)) = (gated(), gated());
    let mut work = pin!(calls_and_then_does_not(&scope, calls, between));
    assert!(run(work.as_mut(), &wakes).is_pending());
    first.open();
    assert!(run(work.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    scope.cancel();
    assert!(run(work.as_mut(), &wakes).is_pending());
    assert_eq!(wakes.count(), before);
    second.open();
    assert!(finish(work.as_mut(), &wakes).is_ok());
}

/// A branch of a `try_join!` that keeps what has answered it until it is dropped.
#[test]
fn c8_a_branch_that_is_ready_while_one_inside_waits_is_dropped_in_silence() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let slot = ctx::__private::slot(Context::clone(&scope), false);
    let mut inner = waiting(&scope);
    let mut branch = Box::pin(slot.try_branch(poll_fn(move |cx| {
        assert!(inner.as_mut().poll(cx).is_pending());
        Poll::Ready(Ok::<(), Cancelled>(()))
    })));
    assert!(poll_pinned(branch.as_mut(), &wakes).is_ready());
    drop(branch);
    assert_eq!(wakes.count(), 0);
}
