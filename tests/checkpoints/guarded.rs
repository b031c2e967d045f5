//! C3 where a short way through a poll looks open, and a shield or a `between` call says that it is not.

use super::helpers::{ROOT, Slot, awaits_both, between, gated, run, waiting};
use crate::support::{Wakes, poll_pinned};
use ctx::CancelScope;
use std::{
    cell::{Cell, RefCell},
    future::{Future, pending, poll_fn},
    pin::{Pin, pin},
    task::Poll,
};

#[test]
fn c3_a_between_call_holds_no_sibling_that_is_polled_after_it() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut call = Box::pin(between(scope.clone(), pending::<()>()));
    let mut inner = Some(Box::pin(waiting(&scope)));
    let mut sibling = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        if let Some(mut inner) = inner.take() {
            assert!(inner.as_mut().poll(cx).is_pending());
        }
        Poll::<()>::Pending
    })));
    let surfaced = Cell::new(false);
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        assert!(call.as_mut().poll(cx).is_pending());
        if !surfaced.get() {
            surfaced.set(sibling.as_mut().poll(cx).is_ready());
        }
        Poll::<()>::Pending
    })));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    assert!(surfaced.get(), "nothing inside it holds it");
}

/// Its first poll meets a shield, which holds it beyond the end of its context.
#[track_caller]
fn is_held<F: Future>(mut outer: Pin<&mut F>, scope: &CancelScope) {
    let wakes = Wakes::new();
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(run(outer, &wakes).is_pending(), "the shield holds it");
}

/// One behind a shield waits by itself first, then inside one on its context, which is over at once.
#[test]
fn c3_one_behind_a_shield_that_had_waited_elsewhere_holds_those_that_poll_it() {
    let scope = ROOT.with_cancel();
    let derived = scope.without_cancel().with_cancel();
    let wakes = Wakes::new();
    let mut guarded = Box::pin(waiting(&derived));
    assert!(poll_pinned(guarded.as_mut(), &wakes).is_pending());
    let mut first = true;
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        if std::mem::take(&mut first) {
            let looks = pin!(derived.run_until_cancelled(poll_fn(|cx| {
                assert!(guarded.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })));
            assert!(looks.poll(cx).is_ready());
        }
        Poll::<()>::Pending
    })));
    is_held(outer.as_mut(), &scope);
}

/// The one behind the shield is polled by two on derived contexts, which are over both.
#[test]
fn c3_a_shield_holds_though_two_inside_it_that_polled_it_are_over() {
    let scope = ROOT.with_cancel();
    let wide = scope.without_cancel().with_cancel();
    let narrow = wide.with_cancel();
    let mut guarded = Box::pin(waiting(&narrow));
    let mut first = true;
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        if std::mem::take(&mut first) {
            let near = narrow.run_until_cancelled(poll_fn(|cx| {
                assert!(guarded.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            }));
            let far = pin!(wide.run_until_cancelled(near));
            assert!(far.poll(cx).is_ready());
        }
        Poll::<()>::Pending
    })));
    is_held(outer.as_mut(), &scope);
}

/// It is answered in one poll, polls a call that holds it in the next one, and nobody in those after it, which are
/// inside another outer one.
#[test]
fn c3_one_that_joined_and_then_was_held_stays_so_inside_another_one() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut inner = Box::pin(waiting(&scope));
    let mut call = Box::pin(between(scope.clone(), pending::<()>()));
    let mut polls = 0;
    let surfaced = Cell::new(false);
    let middle = RefCell::new(Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        polls += 1;
        match polls {
            1 => inner.as_mut().poll(cx).map(drop),
            2 => call.as_mut().poll(cx).map(drop),
            _ => Poll::Pending,
        }
    }))));
    let outer = || {
        Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
            if !surfaced.get() {
                surfaced.set(middle.borrow_mut().as_mut().poll(cx).is_ready());
            }
            Poll::<()>::Pending
        })))
    };
    let (mut first, mut second) = (outer(), outer());
    for _ in 0..2 {
        assert!(poll_pinned(first.as_mut(), &wakes).is_pending());
    }
    assert!(poll_pinned(second.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(run(second.as_mut(), &wakes).is_pending());
    assert!(!surfaced.get(), "the call holds it");
}

/// A function behind a shield holds the one that polled it only as long as that await lasts.
#[test]
fn c3_an_await_behind_a_shield_that_is_ready_elsewhere_holds_nobody_any_more() {
    let scope = ROOT.with_cancel();
    let derived = scope.without_cancel().with_cancel();
    let wakes = Wakes::new();
    let (gate, first) = gated();
    let work = Slot::new(awaits_both(&derived, first, pending()));
    let mut polls = 0;
    let mut future = Box::pin(work.future());
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        polls += 1;
        if polls == 1 {
            assert!(future.as_mut().poll(cx).is_pending());
        }
        Poll::<()>::Pending
    })));
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    gate.open();
    let mut work = work.take();
    assert!(poll_pinned(work.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(run(outer.as_mut(), &wakes).is_ready());
}
