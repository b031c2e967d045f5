//! C3 and C8: who has another waker inside a checkpoint may be of its own task, or of one that is polled inside.

use super::helpers::{
    Boxed, FreshWaker, GUARDS, Guard, ROOT, Slot, finish, gated, hears_of_the_end, run, waiting,
};
use crate::support::Wakes;
use ctx::{CancelScope, Cancelled};
use futures::FutureExt;
use std::{
    future::{Future, pending, poll_fn},
    pin::{Pin, pin},
    task::{Context as TaskContext, Poll, Waker},
};
use tokio::{
    runtime::Builder,
    task::{LocalSet, yield_now},
};

/// Polls with a waker that leads nowhere.
fn poll_aside<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    future.poll_unpin(&mut TaskContext::from_waker(Waker::noop()))
}

/// One that waits, which a task of this set will have polled once.
fn polled_inside(local: &LocalSet, scope: &CancelScope) -> Slot<Boxed<Result<(), Cancelled>>> {
    let slot = Slot::new(waiting(scope));
    let first = slot.future();
    local.spawn_local(async move { assert!(first.now_or_never().is_none()) });
    slot
}

/// It is polled by the other waker first, then by the outer one's own, and goes away in the same poll. Whether another one
/// is left decides who is to give up.
#[test]
fn c8_one_that_answered_by_another_waker_and_by_the_outer_ones_takes_back_one_answer() {
    for other_stays in [false, true] {
        let scope = ROOT.with_cancel();
        let (mut other, mut inner) = (waiting(&scope), Some(waiting(&scope)));
        let mut outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
            let polled = if other_stays {
                other.as_mut().poll(cx)
            } else {
                Poll::Pending
            };
            if let Some(mut inner) = inner.take() {
                assert!(poll_aside(&mut inner).is_pending());
                assert!(inner.as_mut().poll(cx).is_pending());
            }
            polled
        })));
        let wakes = Wakes::new();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        hears_of_the_end(outer.as_mut(), &scope, &wakes, 0);
        let inner_one_gave_up = matches!(finish(outer, &wakes), Ok(Err(_)));
        assert_eq!(inner_one_gave_up, other_stays);
    }
}

/// One that is polled by a combinator's waker decides, in the first poll and in later ones, and so does a shield hold.
#[test]
fn c3_one_of_the_same_task_that_has_another_waker_decides_and_holds() {
    for guard in [None].into_iter().chain(GUARDS.map(Some)) {
        let scope = ROOT.with_cancel();
        let (gate, gated) = gated();
        let inner: Pin<Box<dyn Future<Output = bool>>> = match guard {
            Some(guard) => Box::pin(guard.put(&scope, gated).map(|()| true)),
            None => Box::pin(scope.run_until_cancelled_owned(gated).map(|it| it.is_err())),
        };
        let mut outer = pin!(scope.run_until_cancelled(FreshWaker::new(inner)));
        let wakes = Wakes::new();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        assert_eq!(wakes.count(), 0, "it is woken for nothing");
        scope.cancel();
        if guard.is_some() {
            assert!(run(outer.as_mut(), &wakes).is_pending());
            gate.open();
        }
        assert!(matches!(finish(outer, &wakes), Ok(true)), "{guard:?}");
    }
}

/// It waits with those who joined it, and with a task inside, of which nobody is asked.
#[test]
fn c3_one_that_joined_hears_nothing_from_a_task_inside() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for guard in [None].into_iter().chain(GUARDS.map(Some)) {
            let scope = ROOT.with_cancel();
            let (_gate, gated) = gated();
            let local = LocalSet::new();
            let inside = match guard {
                Some(guard) => guard.put(&scope, gated),
                None => Box::pin(scope.run_until_cancelled_owned(gated).map(drop)),
            };
            local.spawn_local(inside);
            let middle = scope.run_until_cancelled(local.run_until(pending::<()>()));
            let mut outer = pin!(scope.run_until_cancelled(middle));
            let wakes = Wakes::new();
            assert!(run(outer.as_mut(), &wakes).is_pending());
            yield_now().await;
            scope.cancel();
            // The middle one has decided: it is the innermost of its task.
            let outcome = finish(outer, &wakes);
            assert!(matches!(outcome, Ok(Err(_))), "{guard:?}");
        }
    });
}

/// Two tasks inside, one of which takes over what the other one has polled, while the outer one polls both.
#[test]
fn c8_one_that_moves_from_task_to_task_inside_is_woken_where_it_is() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let scope = ROOT.with_cancel();
        let local = LocalSet::new();
        let slot = polled_inside(&local, &scope);
        let moved = local.spawn_local(async move { slot.take().await.is_err() });
        let mut outer = pin!(scope.run_until_cancelled(local.run_until(pending::<()>())));
        let wakes = Wakes::new();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        assert!(!moved.is_finished());
        scope.cancel();
        assert!(finish(outer, &wakes).is_err());
        assert!(local.run_until(moved).await.unwrap());
    });
}

/// It is polled by an inner task in the poll of one that joined, and goes away before that one does, in the same poll.
#[test]
fn c8_one_that_was_polled_by_a_task_inside_takes_back_no_answer_of_another_one() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let scope = ROOT.with_cancel();
        let local = LocalSet::new();
        let slot = polled_inside(&local, &scope);
        let middle = scope.run_until_cancelled(local.run_until(pending::<()>()));
        let mut middle = Some((Box::pin(middle), slot));
        let mut outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
            if let Some((mut middle, slot)) = middle.take() {
                assert!(middle.as_mut().poll(cx).is_pending());
                drop(slot.take());
                drop(middle);
            }
            Poll::<()>::Pending
        })));
        let wakes = Wakes::new();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        hears_of_the_end(outer.as_mut(), &scope, &wakes, 0);
        assert!(finish(outer, &wakes).is_err());
    });
}

/// As with `now_or_never` in both.
#[test]
fn c3_a_shield_holds_though_a_task_inside_has_the_same_waker() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let scope = ROOT.with_cancel();
        let (gate, gated) = gated();
        let mut shielded = FreshWaker::new(Guard::Shield.put(&scope, gated));
        let local = LocalSet::new();
        let mut inner = Box::pin(scope.run_until_cancelled_owned(FreshWaker::new(waiting(&scope))));
        local.spawn_local(async move {
            assert!(poll_aside(&mut inner).is_pending());
            pending::<()>().await;
        });
        let mut local = Box::pin(local.run_until(pending::<()>()));
        let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
            assert!(local.as_mut().poll(cx).is_pending());
            if !scope.is_cancelled() {
                assert!(shielded.poll_unpin(cx).is_pending());
            }
            Poll::<()>::Pending
        })));
        assert!(poll_aside(&mut outer).is_pending());
        scope.cancel();
        assert!(poll_aside(&mut outer).is_pending());
        assert!(!gate.is_dropped());
    });
}
