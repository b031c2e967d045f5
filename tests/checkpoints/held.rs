//! C3 and C8 around a checkpoint that is held by a call in somebody else's hands: those who poll it have not seen that.

use super::helpers::{Boxed, FreshWaker, ROOT, Slot, between, run};
use crate::support::Wakes;
use ctx::{CancelScope, Cancelled, Context};
use futures::{FutureExt, future::LocalBoxFuture};
use std::{
    cell::{Cell, RefCell},
    future::{Future, pending, poll_fn},
    pin::Pin,
    rc::Rc,
    task::Poll,
};

pub(super) type Outcome = Result<(), Cancelled>;
pub(super) type Call = Boxed<Outcome>;

pub(super) fn call_on(scope: &CancelScope) -> RefCell<Option<Call>> {
    RefCell::new(Some(Box::pin(between(
        Context::clone(scope),
        pending::<()>(),
    ))))
}

/// Polls what is there, for as long as it is.
pub(super) fn polls_the<F: Future + ?Sized>(
    place: &RefCell<Option<Pin<Box<F>>>>,
) -> impl Future<Output = ()> {
    poll_fn(|cx| {
        if let Some(future) = &mut *place.borrow_mut() {
            assert!(future.as_mut().poll(cx).is_pending());
        }
        Poll::Pending
    })
}

/// One that has polled the call, which goes on elsewhere.
pub(super) fn held<'c>(
    scope: &'c CancelScope,
    call: &'c RefCell<Option<Call>>,
) -> (Pin<Box<impl Future<Output = Outcome>>>, Call) {
    let mut middle = Box::pin(scope.run_until_cancelled_owned(polls_the(call)));
    assert!(run(middle.as_mut(), &Wakes::new()).is_pending());
    (middle, call.take().expect("it is there"))
}

/// One that is held has moved below another one, which polls it with other wakers and has not seen the shield.
#[test]
fn c8_an_outer_one_is_at_rest_around_one_that_is_held_by_a_shield_polled_elsewhere() {
    for leaves in [false, true] {
        let scope = ROOT.with_cancel();
        let call = call_on(&scope);
        let (middle, call) = held(&scope, &call);
        let middle = Slot::new(FreshWaker::new(middle));
        let wakes = Wakes::new();
        let (mut polls, mut inside) = (0, Box::pin(middle.future()));
        let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
            polls += 1;
            if polls > 1 {
                let _ = inside.as_mut().poll(cx);
            }
            Poll::<()>::Pending
        })));
        assert!(run(outer.as_mut(), &wakes).is_pending());
        scope.cancel();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let before = wakes.count();
        if leaves {
            drop(middle.take());
        } else {
            drop(call);
        }
        assert!(wakes.count() > before, "the wake-up is lost");
        assert!(run(outer.as_mut(), &wakes).is_ready());
    }
}

/// It holds the outer one until the shield ends, and not for as long as it lives.
#[test]
fn c8_one_that_is_held_no_more_holds_no_outer_one_with_another_waker() {
    let scope = ROOT.with_cancel();
    let call = call_on(&scope);
    let (middle, call) = held(&scope, &call);
    let middle = Slot::new(FreshWaker::new(middle));
    let wakes = Wakes::new();
    let mut outer = Box::pin(scope.run_until_cancelled(middle.future()));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    drop(call);
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let _away = middle.take();
    scope.cancel();
    assert!(run(outer.as_mut(), &wakes).is_ready());
}

/// A shield holds the outer one already, and that ends with the shield, whoever else was held by it.
#[test]
fn c8_one_that_is_held_leaves_an_outer_one_to_the_shield_that_holds_both() {
    let scope = ROOT.with_cancel();
    let call = call_on(&scope);
    let middle = scope.run_until_cancelled_owned(polls_the(&call));
    let middle = Slot::new(FreshWaker::new(middle));
    let wakes = Wakes::new();
    let mut outer = Box::pin(scope.run_until_cancelled(middle.future()));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let _away = middle.take();
    scope.cancel();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    drop(call.take());
    assert!(wakes.count() > before, "the wake-up is lost");
    assert!(run(outer.as_mut(), &wakes).is_ready());
}

/// Between the one that is held and those with other wakers there are some with its own, which rely on its answer.
#[test]
fn c8_outer_ones_are_at_rest_however_far_they_are_from_one_that_is_held() {
    for wakers in [vec![1], vec![2], vec![1, 1], vec![2, 1], vec![1, 0, 1]] {
        let scope = ROOT.with_cancel();
        let call = call_on(&scope);
        let (middle, call) = held(&scope, &call);
        let mut work: LocalBoxFuture<'_, ()> = Box::pin(middle.map(drop));
        for near in wakers {
            for _ in 0..near {
                work = Box::pin(scope.run_until_cancelled_owned(work).map(drop));
            }
            work = Box::pin(
                scope
                    .run_until_cancelled_owned(FreshWaker::new(work))
                    .map(drop),
            );
        }
        let wakes = Wakes::new();
        assert!(run(work.as_mut(), &wakes).is_pending());
        scope.cancel();
        assert!(run(work.as_mut(), &wakes).is_pending());
        let before = wakes.count();
        drop(call);
        assert!(wakes.count() > before, "the wake-up is lost");
        assert!(run(work.as_mut(), &wakes).is_ready());
    }
}

/// One behind a shield holds those around it until it ends, and not only as long as it is held itself.
#[test]
fn c3_one_behind_a_shield_holds_though_it_is_held_no_more() {
    let scope = ROOT.with_cancel();
    let behind = scope.without_cancel().with_cancel();
    let call = call_on(&behind);
    let (middle, call) = held(&behind, &call);
    let wakes = Wakes::new();
    let slot = Slot::new(middle);
    let mut outer = Box::pin(scope.run_until_cancelled(slot.future()));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let mut middle = slot.take();
    drop(call);
    assert!(run(middle.as_mut(), &Wakes::new()).is_pending());
    scope.cancel();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    drop(middle);
    assert!(run(outer.as_mut(), &wakes).is_ready());
}

/// Two of which each has held the other are both held no more when the call is gone.
#[test]
fn c8_two_that_were_inside_each_other_hold_each_other_no_more_when_nobody_holds_them() {
    type Place = Rc<RefCell<Option<LocalBoxFuture<'static, Outcome>>>>;
    for moves in [0, 20] {
        let scope = ROOT.with_cancel();
        let call = Rc::new(call_on(&scope));
        let (in_first, in_second) = (Place::default(), Place::default());
        let polls_its_own = |place: &Place| {
            let place = Rc::clone(place);
            FreshWaker::new(poll_fn(move |cx| {
                let taken = place.borrow_mut().take();
                let Some(mut it) = taken else {
                    return Poll::Pending;
                };
                let polled = it.as_mut().poll(cx);
                if polled.is_pending() {
                    place.replace(Some(it));
                }
                polled.map(drop)
            }))
        };
        let (calls, mut inside) = (Rc::clone(&call), polls_its_own(&in_first));
        let mut first: LocalBoxFuture<'_, Outcome> =
            Box::pin(scope.run_until_cancelled_owned(poll_fn(move |cx| {
                if let Some(call) = &mut *calls.borrow_mut() {
                    assert!(call.as_mut().poll(cx).is_pending());
                }
                Pin::new(&mut inside).poll(cx)
            })));
        assert!(run(first.as_mut(), &Wakes::new()).is_pending());
        let elsewhere = call.take();
        let second = scope.run_until_cancelled_owned(polls_its_own(&in_second));
        let mut second: LocalBoxFuture<'_, Outcome> = Box::pin(second);
        let wakes = Wakes::new();
        let take = |place: &Place| place.take().expect("it is there");
        for _ in 0..moves {
            in_second.replace(Some(first));
            assert!(run(second.as_mut(), &wakes).is_pending());
            first = take(&in_second);
            assert!(run(first.as_mut(), &wakes).is_pending());
            assert!(run(second.as_mut(), &wakes).is_pending());
        }
        in_second.replace(Some(first));
        assert!(run(second.as_mut(), &wakes).is_pending());
        first = take(&in_second);
        drop(elsewhere);
        in_first.replace(Some(second));
        assert!(run(first.as_mut(), &wakes).is_pending());
        scope.cancel();
        assert!(
            run(first.as_mut(), &wakes).is_ready(),
            "they hold each other"
        );
    }
}

/// The one that was held is kept by somebody who never polls it.
#[test]
fn c8_an_outer_one_is_held_no_longer_than_the_one_that_holds_it() {
    for other_waker in [false, true] {
        let scope = ROOT.with_cancel();
        let call = call_on(&scope);
        let (middle, call) = held(&scope, &call);
        let slot = Slot::new(middle);
        let wakes = Wakes::new();
        let inside: LocalBoxFuture<'_, Outcome> = if other_waker {
            Box::pin(FreshWaker::new(slot.future()))
        } else {
            Box::pin(slot.future())
        };
        let mut outer = Box::pin(scope.run_until_cancelled(inside));
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let _kept = slot.take();
        drop(call);
        assert!(wakes.count() > 0);
        assert!(run(outer.as_mut(), &wakes).is_pending());
        scope.cancel();
        assert!(run(outer.as_mut(), &wakes).is_ready());
    }
}

/// The call ends in the poll in which one that it holds has held the outer one, after the context has ended. So that one
/// is to decide.
#[test]
fn c3_one_that_is_held_no_more_decides_though_it_was_held_in_the_same_poll() {
    let scope = ROOT.with_cancel();
    let call = call_on(&scope);
    let (middle, elsewhere) = held(&scope, &call);
    let elsewhere = RefCell::new(Some(elsewhere));
    let mut middle = FreshWaker::new(middle);
    let (ends, decided) = (Cell::new(false), Cell::new(false));
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        if Pin::new(&mut middle).poll(cx).is_ready() {
            decided.set(true);
            return Poll::Ready(());
        }
        if ends.get() {
            elsewhere.take();
        }
        Poll::Pending
    })));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    ends.set(true);
    assert!(run(outer.as_mut(), &wakes).is_ready());
    assert!(
        decided.get(),
        "the outer one decided in place of an inner one"
    );
}
