//! C8 where a checkpoint stands at the address of one that is over.

use super::helpers::{ROOT, Slot, awaits_both, hears_of_the_end};
use crate::support::{Wakes, poll_pinned};
use std::{
    cell::RefCell,
    future::{Future, pending, poll_fn},
    pin::Pin,
    task::Poll,
};

type Local<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A middle one relies on what its inner one has answered to an outer one. Another one at that one's address polls
/// the inner one, and loses it.
#[test]
fn c8_a_middle_one_outlives_an_outer_one_and_loses_its_inner_one_to_another_at_the_same_address() {
    for (ready, ready_later) in [(false, false), (false, true), (true, false), (true, true)] {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
        let mut middle = Box::pin(scope.run_until_cancelled_owned(inner.future()));
        let outcome = |ready| {
            if ready {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        };
        {
            let first: Local<'_> = Box::pin(poll_fn(|cx| {
                assert!(middle.as_mut().poll(cx).is_pending());
                outcome(ready)
            }));
            let mut future = Box::pin(inner.future());
            let mut polls = 0;
            let second: Local<'_> = Box::pin(poll_fn(|cx| {
                polls += 1;
                if polls == 1 {
                    assert!(future.as_mut().poll(cx).is_pending());
                    return Poll::Pending;
                }
                drop(inner.take());
                outcome(ready_later)
            }));
            let mut place = Box::pin(Some(scope.run_until_cancelled(first)));
            let outer = place.as_mut().as_pin_mut().expect("it is there");
            assert_eq!(poll_pinned(outer, &wakes).is_ready(), ready);
            place.set(None);
            place.set(Some(scope.run_until_cancelled(second)));
            for ready in [false, ready_later] {
                let outer = place.as_mut().as_pin_mut().expect("it is there");
                assert_eq!(poll_pinned(outer, &wakes).is_ready(), ready);
            }
            place.set(None);
        }
        hears_of_the_end(middle.as_mut(), &scope, &wakes, 0);
    }
}

/// The same in one function, whose awaits share a state.
#[test]
fn c8_a_middle_one_outlives_an_await_and_loses_its_inner_one_to_the_next_one() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let middle = RefCell::new(Box::pin(scope.run_until_cancelled_owned(inner.future())));
    let mut direct = Box::pin(inner.future());
    let first = poll_fn(|cx| {
        assert!(middle.borrow_mut().as_mut().poll(cx).is_pending());
        Poll::Ready(())
    });
    let mut polls = 0;
    let second = poll_fn(|cx| {
        polls += 1;
        if polls == 1 {
            assert!(direct.as_mut().poll(cx).is_pending());
            return Poll::Pending;
        }
        drop(inner.take());
        Poll::Ready(())
    });
    let mut work = Box::pin(awaits_both(&scope, first, second));
    assert!(poll_pinned(work.as_mut(), &wakes).is_pending());
    assert!(poll_pinned(work.as_mut(), &wakes).is_ready());
    drop(work);
    let mut middle = middle.borrow_mut();
    hears_of_the_end(middle.as_mut(), &scope, &wakes, 0);
}

/// One on a wider context is around each of two on one scope. The first one is over when the second one is polled, and
/// nobody has answered that.
#[test]
fn c8_two_on_one_scope_that_join_nobody_are_told_apart() {
    let root = ROOT.with_cancel();
    let scope = root.with_cancel();
    let wakes = Wakes::new();
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let mut middle = Box::pin(scope.run_until_cancelled_owned(inner.future()));
    let mut outer = Box::pin(root.run_until_cancelled(poll_fn(|cx| {
        assert!(middle.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })));
    assert!(poll_pinned(outer.as_mut(), &wakes).is_ready());
    drop(outer);
    let mut other = Box::pin(scope.run_until_cancelled(poll_fn(|_| {
        drop(inner.take());
        Poll::Ready(())
    })));
    let mut outer =
        Box::pin(root.run_until_cancelled(poll_fn(|cx| other.as_mut().poll(cx).map(drop))));
    assert!(poll_pinned(outer.as_mut(), &wakes).is_ready());
    drop(outer);
    hears_of_the_end(middle.as_mut(), &scope, &wakes, 0);
}
