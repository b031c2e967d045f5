//! C8 where one that is held moves: who must hear of that, and how often.

use super::held::{Outcome, call_on, held, polls_the};
use super::helpers::{FreshWaker, ROOT, Slot, run, waiting};
use crate::support::{Wakes, poll_pinned};
use ctx::Cancelled;
use futures::future::LocalBoxFuture;
use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

/// The outer one relied on it, and no shield holds that one: it decides for itself when the one that is held is gone.
#[test]
fn c8_an_outer_one_takes_over_from_one_that_is_held_and_polled_elsewhere_with_its_waker() {
    let scope = ROOT.with_cancel();
    let call = call_on(&scope);
    let (middle, _call) = held(&scope, &call);
    let slot = Slot::new(middle);
    let mut outer = Box::pin(scope.run_until_cancelled(slot.future()));
    let (wakes, mut elsewhere) = (Wakes::new(), None);
    let mut task = pin!(poll_fn(|cx| {
        let polled = outer.as_mut().poll(cx);
        if elsewhere.is_none() {
            let mut middle = slot.take();
            assert!(middle.as_mut().poll(cx).is_pending());
            elsewhere = Some(middle);
        }
        polled
    }));
    assert!(run(task.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    scope.cancel();
    assert!(wakes.count() > before, "the wake-up is lost");
    assert!(run(task.as_mut(), &wakes).is_ready());
}

/// The same with wakers of its own.
#[test]
fn c8_an_outer_one_with_another_waker_takes_over_from_one_that_is_held_and_polled_elsewhere() {
    for ended in [false, true] {
        let scope = ROOT.with_cancel();
        let call = call_on(&scope);
        let (middle, _call) = held(&scope, &call);
        let slot = Slot::new(middle);
        let wakes = Wakes::new();
        let mut outer = Box::pin(scope.run_until_cancelled(FreshWaker::new(slot.future())));
        assert!(run(outer.as_mut(), &wakes).is_pending());
        if ended {
            scope.cancel();
            assert!(run(outer.as_mut(), &wakes).is_pending());
        }
        let mut middle = slot.take();
        let before = wakes.count();
        assert!(run(middle.as_mut(), &Wakes::new()).is_pending());
        assert!(wakes.count() > before, "it was not told");
        scope.cancel();
        assert!(run(outer.as_mut(), &wakes).is_ready());
    }
}

/// It is polled elsewhere a few times, and comes back each time.
#[test]
fn c8_an_outer_one_takes_over_each_time_that_one_is_polled_elsewhere_that_is_held() {
    for other_waker in [false, true] {
        let scope = ROOT.with_cancel();
        let call = call_on(&scope);
        let (middle, _call) = held(&scope, &call);
        let place = RefCell::new(Some(middle));
        let mut inside: LocalBoxFuture<'_, ()> = Box::pin(polls_the(&place));
        if other_waker {
            inside = Box::pin(FreshWaker::new(inside));
        }
        let wakes = Wakes::new();
        let mut outer = Box::pin(scope.run_until_cancelled(inside));
        for _ in 0..4 {
            assert!(run(outer.as_mut(), &wakes).is_pending());
            let mut middle = place.take().expect("it is there");
            let before = wakes.count();
            assert!(poll_pinned(middle.as_mut(), &wakes).is_pending());
            assert!(wakes.count() > before, "it was not told");
            assert!(run(outer.as_mut(), &wakes).is_pending());
            place.replace(Some(middle));
        }
    }
}

/// What stands in its place, taken out of it and polled by somebody else.
fn polled_elsewhere<F: Future + ?Sized>(place: &RefCell<Option<Pin<Box<F>>>>) -> Pin<Box<F>> {
    let mut future = place.take().expect("it is there");
    assert!(poll_pinned(future.as_mut(), &Wakes::new()).is_pending());
    future
}

/// It is polled by others and by its outer one, by turns, so many times.
fn moves<F: Future + ?Sized>(
    times: usize,
    place: &RefCell<Option<Pin<Box<F>>>>,
    mut outer: Pin<&mut impl Future>,
    wakes: &Arc<Wakes>,
) {
    for _ in 0..times {
        let future = polled_elsewhere(place);
        place.replace(Some(future));
        assert!(run(outer.as_mut(), wakes).is_pending());
    }
}

/// It tells those who are away a few times while it is held, and as often when it is held again.
#[test]
fn c8_one_that_is_held_again_tells_again_that_it_is_elsewhere() {
    for times in [0, 100] {
        let scope = ROOT.with_cancel();
        let call = call_on(&scope);
        let (middle, first) = held(&scope, &call);
        let place = RefCell::new(Some(middle));
        let wakes = Wakes::new();
        let mut outer = Box::pin(scope.run_until_cancelled(FreshWaker::new(polls_the(&place))));
        assert!(run(outer.as_mut(), &wakes).is_pending());
        moves(times, &place, outer.as_mut(), &wakes);
        drop(first);
        let middle = polled_elsewhere(&place);
        assert!(run(outer.as_mut(), &wakes).is_pending());
        place.replace(Some(middle));
        call.replace(call_on(&scope).take());
        let middle = polled_elsewhere(&place);
        let _second = call.take();
        place.replace(Some(middle));
        assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
        let before = wakes.count();
        let _middle = polled_elsewhere(&place);
        assert!(wakes.count() > before, "it was not told");
    }
}

/// Two of one task poll one that is held. It is answered by its inner one in the polls of the first one, if it looks.
#[test]
fn c8_two_who_poll_one_that_is_held_by_turns_come_to_rest() {
    for [other_wakers, looks] in [[false, false], [false, true], [true, false], [true, true]] {
        let scope = ROOT.with_cancel();
        let call = call_on(&scope);
        let inner = RefCell::new(waiting(&scope));
        let looking = Cell::new(false);
        let middle = poll_fn(|cx| {
            if let Some(call) = &mut *call.borrow_mut() {
                assert!(call.as_mut().poll(cx).is_pending());
            }
            if looking.get() {
                let _ = inner.borrow_mut().as_mut().poll(cx);
            }
            Poll::<()>::Pending
        });
        let mut middle = Box::pin(scope.run_until_cancelled_owned(middle));
        assert!(run(middle.as_mut(), &Wakes::new()).is_pending());
        let _call = call.take();
        let slot = Slot::new(middle);
        let asker = || -> LocalBoxFuture<'_, Result<Outcome, Cancelled>> {
            if other_wakers {
                Box::pin(scope.run_until_cancelled(FreshWaker::new(slot.future())))
            } else {
                Box::pin(scope.run_until_cancelled(slot.future()))
            }
        };
        let (mut first, mut second) = (asker(), asker());
        let mut task = pin!(poll_fn(|cx| {
            looking.set(looks);
            assert!(first.as_mut().poll(cx).is_pending());
            looking.set(false);
            assert!(second.as_mut().poll(cx).is_pending());
            Poll::<()>::Pending
        }));
        let wakes = Wakes::new();
        assert!(run(task.as_mut(), &wakes).is_pending());
        if !looks {
            scope.cancel();
            assert!(run(task.as_mut(), &wakes).is_pending());
        }
    }
}

/// The outer one relies on the waker that sleeps while it is held, and a poll elsewhere takes it up and panics, in which
/// the call may end.
#[test]
fn c8_one_that_is_held_sleeps_on_where_a_poll_of_it_by_somebody_else_panics() {
    for [drops, ends] in [[false, false], [false, true], [true, false]] {
        let scope = ROOT.with_cancel();
        let (call, elsewhere) = (call_on(&scope), RefCell::new(None));
        let throws = Cell::new(false);
        let middle = scope.run_until_cancelled_owned(poll_fn(|cx| {
            if let Some(call) = &mut *call.borrow_mut() {
                assert!(call.as_mut().poll(cx).is_pending());
            }
            if throws.get() {
                if ends {
                    elsewhere.take();
                }
                panic!("as intended");
            }
            Poll::<()>::Pending
        }));
        let mut middle = Box::pin(middle);
        assert!(run(middle.as_mut(), &Wakes::new()).is_pending());
        elsewhere.replace(call.take());
        let slot = Slot::new(middle);
        let wakes = Wakes::new();
        let mut outer = Box::pin(scope.run_until_cancelled(slot.future()));
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let mut middle = slot.take();
        throws.set(true);
        let before = wakes.count();
        let poll = AssertUnwindSafe(|| poll_pinned(middle.as_mut(), &wakes));
        assert!(catch_unwind(poll).is_err());
        let kept = (!drops).then_some(middle);
        elsewhere.take();
        assert!(wakes.count() > before, "the wake-up is lost");
        scope.cancel();
        assert!(run(outer.as_mut(), &wakes).is_ready());
        drop(kept);
    }
}

/// The outer one relies on the waker that the innermost one keeps, and the middle one becomes held with another waker.
#[test]
fn c8_one_that_becomes_held_with_another_waker_owes_the_one_that_its_inner_one_keeps() {
    for by_shield in [false, true] {
        let scope = ROOT.with_cancel();
        let child = scope.with_cancel();
        let inner = RefCell::new(waiting(&child));
        let call = RefCell::new(by_shield.then(|| call_on(&child).take()).flatten());
        let looks = Cell::new(true);
        let middle = child.run_until_cancelled_owned(poll_fn(|cx| {
            if looks.get() {
                let _ = inner.borrow_mut().as_mut().poll(cx);
            } else if let Some(call) = &mut *call.borrow_mut() {
                let _ = call.as_mut().poll(cx);
            }
            Poll::<()>::Pending
        }));
        let slot = Slot::new(Box::pin(middle));
        let (wakes, others) = (Wakes::new(), Wakes::new());
        let mut outer = Box::pin(scope.run_until_cancelled(slot.future()));
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let mut middle = slot.take();
        looks.set(false);
        assert!(run(middle.as_mut(), &others).is_pending());
        looks.set(true);
        assert!(run(middle.as_mut(), &others).is_pending());
        scope.cancel();
        assert!(wakes.count() > 0, "the wake-up is lost");
        assert!(run(outer.as_mut(), &wakes).is_ready());
    }
}

/// It has told of many moves, and one call follows the other in one poll, so that it was held all the time.
#[test]
fn c3_one_that_is_held_by_another_call_holds_the_outer_one_however_often_it_has_moved() {
    let scope = ROOT.with_cancel();
    let call = call_on(&scope);
    let (middle, first) = held(&scope, &call);
    let place = RefCell::new(Some(middle));
    let wakes = Wakes::new();
    let mut outer = Box::pin(scope.run_until_cancelled(FreshWaker::new(polls_the(&place))));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    moves(100, &place, outer.as_mut(), &wakes);
    drop(first);
    call.replace(call_on(&scope).take());
    let middle = polled_elsewhere(&place);
    let second = call.take();
    place.replace(Some(middle));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(run(outer.as_mut(), &wakes).is_pending(), "it decided");
    let before = wakes.count();
    drop(second);
    assert!(wakes.count() > before, "the wake-up is lost");
}
