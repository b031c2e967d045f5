//! C3 where one that is over leaves others behind, who are pending still.

use super::helpers::{FreshWaker, ROOT, Slot, between, run, waiting};
use crate::support::{Wakes, poll_pinned};
use ctx::{Cancelled, Context};
use futures::future::LocalBoxFuture;
use std::{
    future::{Future, pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::Poll,
};

/// How the middle ones leave the innermost one behind.
#[derive(Clone, Copy, Debug)]
enum Goes {
    Ready,
    Panics,
}

/// The innermost one is left behind by two around it in a poll in which the context ends; the outermost, which
/// neither has answered, looks once more before it decides.
#[track_caller]
fn is_left_behind_by_two(goes: Goes, other_waker: bool, depth: usize) {
    let outer = &ROOT.with_cancel();
    let mut scopes = vec![outer.with_cancel()];
    for at in 1..depth {
        let next = scopes[at - 1].with_cancel();
        scopes.push(next);
    }
    let inner = Slot::new(scopes[depth - 1].run_until_cancelled_owned(pending::<()>()));
    let mut future = Box::pin(inner.future());
    let mut passes: LocalBoxFuture<'_, ()> = Box::pin(poll_fn(move |cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        match goes {
            Goes::Ready => Poll::Ready(()),
            Goes::Panics => panic!("as intended"),
        }
    }));
    for scope in scopes.iter().rev() {
        let inside = scope.run_until_cancelled(passes);
        passes = if other_waker {
            Box::pin(FreshWaker::new(async { drop(inside.await) }))
        } else {
            Box::pin(async { drop(inside.await) })
        };
    }
    let mut first = true;
    let mut direct = Box::pin(inner.future());
    let mut waits = Box::pin(outer.run_until_cancelled(poll_fn(|cx| {
        if std::mem::take(&mut first) {
            let polled = catch_unwind(AssertUnwindSafe(|| passes.as_mut().poll(cx)));
            assert!(!matches!(polled, Ok(Poll::Pending)));
            outer.cancel();
            return Poll::Pending;
        }
        direct.as_mut().poll(cx).map(|it| it.is_err())
    })));
    let decided = run(waits.as_mut(), &Wakes::new());
    assert!(
        matches!(decided, Poll::Ready(Ok(true))),
        "{goes:?}, {other_waker}, {depth}"
    );
}

#[test]
fn c3_the_innermost_decides_though_one_middle_one_is_over_by_a_panic() {
    is_left_behind_by_two(Goes::Panics, false, 1);
    is_left_behind_by_two(Goes::Panics, true, 1);
}

#[test]
fn c3_the_innermost_decides_though_several_middle_ones_are_over() {
    for depth in 1..4 {
        is_left_behind_by_two(Goes::Ready, false, depth);
        is_left_behind_by_two(Goes::Ready, true, depth);
    }
}

#[test]
fn c3_the_innermost_decides_though_several_middle_ones_are_over_by_a_panic() {
    for depth in 2..4 {
        is_left_behind_by_two(Goes::Panics, false, depth);
        is_left_behind_by_two(Goes::Panics, true, depth);
    }
}

/// A `between` call that polls the one inside in its first poll, and is ready in its second one.
fn polled_once<'i, T>(
    scope: &'i Context,
    mut inner: Pin<&'i mut dyn Future<Output = T>>,
) -> LocalBoxFuture<'i, Result<(), Cancelled>> {
    let mut first = true;
    Box::pin(between(
        scope,
        poll_fn(move |cx| {
            if std::mem::take(&mut first) {
                return inner.as_mut().poll(cx).map(drop);
            }
            Poll::Ready(())
        }),
    ))
}

/// In its first poll the call is answered by the one inside, in its second one it is ready without polling that one.
/// Both are in one poll of the outer one, inside which the one inside is pending still, and is to decide.
#[test]
fn c3_the_innermost_decides_though_a_between_call_that_it_answered_is_over_in_the_same_poll() {
    for other_waker in [false, true] {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let mut inner: LocalBoxFuture<'_, _> = Box::pin(waiting(&scope));
        if other_waker {
            inner = Box::pin(FreshWaker::new(inner));
        }
        let mut call = polled_once(&scope, inner.as_mut());
        let mut first = true;
        let mut outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
            if std::mem::take(&mut first) {
                assert!(call.as_mut().poll(cx).is_pending());
                assert!(call.as_mut().poll(cx).is_ready());
                scope.cancel();
            }
            Poll::<()>::Pending
        })));
        let before = wakes.count();
        assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
        assert!(wakes.count() > before, "nobody looks once more");
        assert!(run(outer.as_mut(), &wakes).is_ready());
    }
}

/// The one inside was polled in an earlier poll of the outer one, and counts for that one alone.
#[test]
fn c3_an_outer_one_decides_in_the_poll_in_which_a_between_call_is_over_that_was_answered_earlier() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut inner = Box::pin(waiting(&scope));
    let mut call = polled_once(&scope, inner.as_mut());
    let mut polls = 0;
    let mut outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
        polls += 1;
        assert_eq!(call.as_mut().poll(cx).is_ready(), polls == 2);
        if polls == 2 {
            scope.cancel();
        }
        Poll::<()>::Pending
    })));
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    assert!(poll_pinned(outer.as_mut(), &wakes).is_ready());
}
