//! C8 where one that others rely on keeps no watch of its own: it is held, or will not give up.

use super::helpers::{ROOT, Slot, between, finish, run};
use crate::support::{Wakes, poll_pinned};
use ctx::{CancelScope, Cancelled, with_context};
use futures::{StreamExt, stream::FuturesUnordered};
use std::{
    cell::Cell,
    future::{Future, pending, poll_fn},
    pin::Pin,
    task::Poll,
};

/// One that is held by what its combinator polls only once.
fn held(scope: &CancelScope) -> impl Future<Output = bool> + use<> {
    let mut all = FuturesUnordered::from_iter([between(scope.clone(), pending::<()>())]);
    let held = scope.run_until_cancelled_owned(async move { all.next().await.is_some() });
    async move { held.await.is_ok() }
}

#[test]
fn c8_a_held_one_that_is_dropped_wakes_the_one_that_it_has_answered() {
    for around in 1..4 {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let held = Slot::new(held(&scope));
        assert!(run(Box::pin(held.future()).as_mut(), &wakes).is_pending());
        let mut outer: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async {
            held.future().await;
        });
        for _ in 0..around {
            let inside = outer;
            outer = Box::pin(async { drop(scope.run_until_cancelled(inside).await) });
        }
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let before = wakes.count();
        drop(held.take());
        if wakes.count() > before {
            assert!(run(outer.as_mut(), &wakes).is_pending());
        }
        let before = wakes.count();
        scope.cancel();
        assert!(wakes.count() > before, "around: {around}");
        finish(outer.as_mut(), &wakes);
    }
}

#[test]
fn c8_a_held_one_that_is_polled_by_somebody_else_wakes_the_one_that_it_has_answered() {
    let scope = ROOT.with_cancel();
    let (wakes, others) = (Wakes::new(), Wakes::new());
    let held = Slot::new(held(&scope));
    assert!(run(Box::pin(held.future()).as_mut(), &wakes).is_pending());
    let mut outer = Box::pin(scope.run_until_cancelled(held.future()));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    let mut held = held.take();
    assert!(run(held.as_mut(), &others).is_pending());
    if wakes.count() > before {
        assert!(run(outer.as_mut(), &wakes).is_pending());
    }
    let before = wakes.count();
    scope.cancel();
    assert!(wakes.count() > before, "the wake-up is lost");
    assert!(finish(outer.as_mut(), &wakes).is_err());
}

/// An outer one that does not give up: it is a `between` call, or one that is held by such a call. A middle one
/// inside it has joined it, and loses its inner one in a later poll, in which it is not polled itself.
#[track_caller]
fn a_middle_one_decides_later(call: bool, goes_in: u32, ends_in_the_poll: bool) {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let mut middle = Box::pin(scope.run_until_cancelled_owned(inner.future()));
    let mut held = Box::pin(between(scope.clone(), pending::<()>()));
    let surfaced = Cell::new(false);
    let mut polls = 0;
    let future = poll_fn(|cx| {
        polls += 1;
        if !surfaced.get() && (polls == 1 || polls > goes_in) {
            surfaced.set(middle.as_mut().poll(cx).is_ready());
        }
        if !call {
            assert!(held.as_mut().poll(cx).is_pending());
        }
        if polls == goes_in {
            drop(inner.take());
            if ends_in_the_poll {
                scope.cancel();
            }
        }
        Poll::<()>::Pending
    });
    let mut outer: Pin<Box<dyn Future<Output = ()>>> = if call {
        Box::pin(async { drop(between(scope.clone(), future).await) })
    } else {
        Box::pin(async { drop(scope.run_until_cancelled(future).await) })
    };
    for _ in 0..goes_in {
        assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    }
    scope.cancel();
    assert!(wakes.count() > 0, "the wake-up is lost");
    assert!(run(outer.as_mut(), &wakes).is_pending());
    assert!(surfaced.get());
    let before = wakes.count();
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    assert_eq!(wakes.count(), before);
}

#[test]
fn c8_a_middle_one_that_loses_its_inner_one_later_decides_inside_a_between_call() {
    for goes_in in 2..4 {
        a_middle_one_decides_later(true, goes_in, false);
        a_middle_one_decides_later(true, goes_in, true);
    }
}

#[test]
fn c8_a_middle_one_that_loses_its_inner_one_later_decides_inside_one_that_is_held() {
    for goes_in in 2..4 {
        a_middle_one_decides_later(false, goes_in, false);
        a_middle_one_decides_later(false, goes_in, true);
    }
}

/// A call that was answered, of which nobody relied on the answer. When the one that gave it is gone, the end
/// concerns nobody inside the call.
#[test]
fn c8_the_end_wakes_no_between_call_on_whose_answers_nobody_relied() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut inner = Some(Box::pin(scope.run_until_cancelled_owned(pending::<()>())));
    let mut polls = 0;
    let mut call = Box::pin(between(
        scope.clone(),
        poll_fn(|cx| {
            polls += 1;
            if polls > 1 {
                inner = None;
            }
            if let Some(inner) = &mut inner {
                assert!(inner.as_mut().poll(cx).is_pending());
            }
            Poll::<()>::Pending
        }),
    ));
    for _ in 0..2 {
        assert!(run(call.as_mut(), &wakes).is_pending());
    }
    let before = wakes.count();
    scope.cancel();
    assert_eq!(wakes.count(), before, "it is woken for nothing");
}

#[with_context]
async fn awaits_one_after_the_other<F: Future<Output = ()>>(
    first: F,
    second: impl Future<Output = ()>,
    between: bool,
) -> Result<(), Cancelled> {
    first.await;
    if between {
        #[checkpoints(between)]
        second.await;
    } else {
        second.await;
    }
    Ok(())
}

/// A middle one joined the first await, and outlives it. Its inner one goes away in the second await, which is another
/// asker than the one that was answered, though it has its place.
#[test]
fn c8_one_that_joined_an_await_does_not_rely_on_the_next_one_of_that_function() {
    for between in [false, true] {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
        let mut middle = Box::pin(scope.run_until_cancelled_owned(inner.future()));
        let mut polls = 0;
        let first = poll_fn(|cx| {
            polls += 1;
            if polls > 1 {
                return Poll::Ready(());
            }
            middle.as_mut().poll(cx).map(drop)
        });
        let second = poll_fn(|_| {
            drop(inner.take());
            Poll::Pending
        });
        let ctx = scope.clone();
        let mut outer = Box::pin(awaits_one_after_the_other(&ctx, first, second, between));
        for _ in 0..2 {
            assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
        }
        drop(outer);
        assert!(wakes.count() > 0, "between: {between}");
        assert!(run(middle.as_mut(), &wakes).is_pending());
        let before = wakes.count();
        scope.cancel();
        assert!(wakes.count() > before, "the wake-up is lost");
        assert!(finish(middle.as_mut(), &wakes).is_err());
    }
}
