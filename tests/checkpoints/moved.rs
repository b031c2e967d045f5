//! C8 where who kept watch goes away: it is taken out, polled elsewhere, dropped or leaked.

use super::helpers::{FreshWaker, Nest, ROOT, Slot, between, finish, gated, hears_of_the_end, run};
use crate::support::{Wakes, poll_pinned};
use futures::future::select;
use std::{
    future::{pending, poll_fn, ready},
    pin::pin,
};

#[test]
fn c8_an_inner_one_is_taken_out_and_dropped() {
    let scope = ROOT.with_cancel();
    let nest = Nest::new(&scope);
    drop(nest.inner.take());
    nest.hears(&scope);
}

#[test]
fn c8_an_inner_one_is_taken_out_and_polled_by_another_task() {
    let scope = ROOT.with_cancel();
    let nest = Nest::new(&scope);
    let mut inner = nest.inner.take();
    let other = Wakes::new();
    assert!(run(inner.as_mut(), &other).is_pending());
    nest.hears(&scope);
    assert_eq!(other.count(), 1);
    assert!(finish(inner.as_mut(), &other).is_err());
}

#[test]
fn c8_an_inner_one_is_taken_out_and_polled_by_the_same_task_under_another() {
    let scope = ROOT.with_cancel();
    let nest = Nest::new(&scope);
    let mut inner = nest.inner.take();
    {
        let mut another = pin!(scope.run_until_cancelled(&mut inner));
        assert!(poll_pinned(another.as_mut(), &nest.wakes).is_pending());
    }
    drop(inner);
    nest.hears(&scope);
}

#[test]
fn c8_an_inner_one_is_taken_out_and_polled_by_the_same_task_with_nobody_around() {
    let scope = ROOT.with_cancel();
    let nest = Nest::new(&scope);
    let mut inner = nest.inner.take();
    assert!(poll_pinned(inner.as_mut(), &nest.wakes).is_pending());
    drop(inner);
    nest.hears(&scope);
}

#[test]
fn c8_an_inner_one_goes_to_another_outer_of_the_task_and_then_to_another_task() {
    let scope = ROOT.with_cancel();
    let nest = Nest::new(&scope);
    let mut inner = nest.inner.take();
    {
        let mut another = pin!(scope.run_until_cancelled(&mut inner));
        assert!(poll_pinned(another.as_mut(), &nest.wakes).is_pending());
    }
    assert!(run(inner.as_mut(), &Wakes::new()).is_pending());
    nest.hears(&scope);
}

#[test]
fn c8_one_behind_another_waker_is_taken_out_and_owes_nothing() {
    let scope = ROOT.with_cancel();
    for dropped in [true, false] {
        let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
        let around = FreshWaker::new(inner.future());
        let mut outer = Box::pin(scope.run_until_cancelled(around));
        let wakes = Wakes::new();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let mut inner = inner.take();
        if dropped {
            drop(inner);
        } else {
            assert!(run(inner.as_mut(), &Wakes::new()).is_pending());
        }
        assert_eq!(wakes.count(), 0, "the outer one waits for itself");
    }
}

#[test]
fn c8_an_inner_one_is_taken_out_and_leaked() {
    let scope = ROOT.with_cancel();
    let nest = Nest::new(&scope);
    std::mem::forget(nest.inner.take());
    nest.hears(&scope);
}

#[test]
fn c8_an_inner_one_is_taken_out_and_becomes_held() {
    // Once a shield runs in it, it waits for nothing any more, and so must pass the watch on.
    for between_too in [false, true] {
        let scope = ROOT.with_cancel();
        let ctx = scope.clone();
        let (gate, first) = gated();
        let inner = Slot::new(scope.run_until_cancelled_owned(async move {
            first.await;
            if between_too {
                drop(between(&ctx, pending::<()>()).await);
            }
            drop(
                ctx.without_cancel()
                    .run_until_cancelled(pending::<()>())
                    .await,
            );
        }));
        let mut outer = Box::pin(scope.run_until_cancelled(inner.future()));
        let wakes = Wakes::new();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let mut inner = inner.take();
        gate.open();
        assert!(poll_pinned(inner.as_mut(), &wakes).is_pending());
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let before = wakes.count();
        scope.cancel();
        assert!(wakes.count() > before, "the wake-up is lost");
        assert!(finish(outer.as_mut(), &wakes).is_err());
    }
}

#[test]
fn c8_becoming_held_elsewhere_tells_the_one_around_it() {
    // As above, but the outer one is not polled unless it is woken after the inner one became held.
    let scope = ROOT.with_cancel();
    let ctx = scope.clone();
    let (gate, first) = gated();
    let inner = Slot::new(scope.run_until_cancelled_owned(async move {
        first.await;
        drop(
            ctx.without_cancel()
                .run_until_cancelled(pending::<()>())
                .await,
        );
    }));
    let mut outer = Box::pin(scope.run_until_cancelled(inner.future()));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let mut inner = inner.take();
    gate.open();
    let before = wakes.count();
    assert!(poll_pinned(inner.as_mut(), &wakes).is_pending());
    assert!(
        wakes.count() > before,
        "nobody watches for the outer one now"
    );
}

#[test]
fn c8_an_inner_one_finishes_elsewhere() {
    let scope = ROOT.with_cancel();
    let (gate, future) = gated();
    let inner = Slot::new(scope.run_until_cancelled_owned(future));
    let mut outer = Box::pin(scope.run_until_cancelled(inner.future()));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let mut inner = inner.take();
    gate.open();
    let before = wakes.count();
    finish(inner.as_mut(), &Wakes::new()).unwrap();
    assert!(wakes.count() > before, "the outer one takes over at once");
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    scope.cancel();
    assert_eq!(wakes.count() - before, 1);
    assert!(finish(outer.as_mut(), &wakes).is_err());
}

#[test]
fn c8_an_inner_one_that_finishes_in_the_poll_hands_over() {
    let scope = ROOT.with_cancel();
    let (gate, future) = gated();
    let mut outer = pin!(scope.run_until_cancelled(async {
        scope.run_until_cancelled(future).await.unwrap();
        pending::<()>().await;
    }));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    gate.open();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    scope.cancel();
    assert_eq!(wakes.count() - before, 1);
    assert!(finish(outer, &wakes).is_err());
}

#[test]
fn c8_an_inner_one_that_is_polled_and_dropped_in_one_poll_hands_over() {
    let scope = ROOT.with_cancel();
    let mut outer = pin!(scope.run_until_cancelled(async {
        tokio::select! {
            biased;
            _ = scope.run_until_cancelled(pending::<()>()) => unreachable!(),
            () = ready(()) => {}
        }
        pending::<()>().await;
    }));
    let wakes = Wakes::new();
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    assert_eq!(wakes.count(), 0);
    scope.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(finish(outer, &wakes).is_err());
}

#[test]
fn c8_an_inner_one_that_answered_in_an_earlier_poll_is_dropped_in_this_one() {
    let scope = ROOT.with_cancel();
    let (gate, lost) = gated();
    let mut outer = pin!(scope.run_until_cancelled(async {
        tokio::select! {
            biased;
            () = lost => {}
            _ = scope.run_until_cancelled(pending::<()>()) => unreachable!(),
        }
        pending::<()>().await;
    }));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    gate.open();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    assert_eq!(wakes.count(), 1, "by the gate");
    scope.cancel();
    assert_eq!(wakes.count(), 2);
    assert!(finish(outer, &wakes).is_err());
}

#[test]
fn c8_odd_orders_that_finish_wake_nobody() {
    let wide = ROOT.with_cancel();
    let narrow = wide.with_cancel();
    let mut outer = pin!(narrow.run_until_cancelled(wide.run_until_cancelled(async {
        for _ in 0..10 {
            tokio::select! {
                biased;
                _ = narrow.run_until_cancelled(pending::<()>()) => unreachable!(),
                () = ready(()) => {}
            }
        }
        pending::<()>().await;
    })));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    assert_eq!(wakes.count(), 0);
    narrow.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(finish(outer, &wakes).is_err());
}

#[test]
fn c8_one_is_moved_from_one_outer_to_another_of_a_different_task() {
    let scope = ROOT.with_cancel();
    let nest = Nest::new(&scope);
    let taken = nest.inner.take();
    let mut another = Box::pin(scope.run_until_cancelled(scope.run_until_cancelled(taken)));
    let other = Wakes::new();
    assert!(run(another.as_mut(), &other).is_pending());
    nest.hears(&scope);
    assert_eq!(other.count(), 1);
    assert!(matches!(finish(another.as_mut(), &other), Ok(Ok(Err(_)))));
}

#[test]
fn c8_a_race_that_is_lost_by_a_selected_reference_hands_over() {
    let scope = ROOT.with_cancel();
    let mut outer = pin!(scope.run_until_cancelled(async {
        let mut inner = Box::pin(scope.run_until_cancelled(pending::<()>()));
        select(&mut inner, ready(())).await;
        // The inner one lives on, but nobody polls it any more.
        pending::<()>().await;
        drop(inner);
    }));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(finish(outer, &wakes).is_err());
}

/// While the outer one is at work, somebody beside it goes away, and looks among all who are at work for the one that it
/// had answered.
#[test]
fn c8_one_is_found_by_who_answers_it_after_another_one_was_looked_for() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let beside = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let mut other = Box::pin(scope.run_until_cancelled_owned(beside.future()));
    assert!(poll_pinned(other.as_mut(), &Wakes::new()).is_pending());
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let mut inside = Box::pin(inner.future());
    let mut beside = Some(beside);
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        drop(beside.take().map(|it| it.take()));
        inside.as_mut().poll(cx).map(drop)
    })));
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    drop(inner.take());
    hears_of_the_end(outer.as_mut(), &scope, &wakes, 0);
}
