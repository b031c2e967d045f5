//! C1, C3 and C8 where a checkpoint is polled again, and not quite as it was before: whoever was quick to come to
//! a decision in one poll is not misled by it in the next one.

use super::helpers::{ROOT, Slot, awaits_and_calls, awaits_both, between, gated, run, waiting};
use crate::support::{Wakes, poll_pinned};
use ctx::{CancelScope, Cancelled, with_context};
use std::{
    cell::{Cell, RefCell},
    future::{Future, pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

type Local<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

#[with_context]
async fn awaits_and_is_held(future: impl Future<Output = ()>) -> Result<(), Cancelled> {
    future.await;
    #[shield]
    pending::<()>().await;
    Ok(())
}

/// Waits in its first poll. In the second one it is ready, with one inside that waits until it is dropped.
fn is_ready_around_a_waiting_one(scope: &CancelScope) -> impl Future<Output = ()> + use<> {
    let mut inner = waiting(scope);
    let mut waited = false;
    poll_fn(move |cx| {
        if !std::mem::replace(&mut waited, true) {
            return Poll::Pending;
        }
        assert!(inner.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
}

#[test]
fn c8_one_that_waited_and_was_answered_in_any_order_needs_nobody_when_it_is_ready() {
    for case in 0..16_u8 {
        let (polls, in_a_function) = (case & 7, case & 8 != 0);
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let inner = Slot::new(waiting(&scope));
        let mut future = Box::pin(inner.future());
        let mut polled = 0;
        // Whether the one inside is polled, poll for poll; it is kept when this one is ready.
        let future = poll_fn(|cx| {
            let polls_inner = polls >> polled & 1 != 0;
            polled += 1;
            if polls_inner {
                assert!(future.as_mut().poll(cx).is_pending());
            }
            if polled > 3 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        let mut work: Local<'_> = if in_a_function {
            Box::pin(async { drop(awaits_and_is_held(&scope, future).await) })
        } else {
            Box::pin(async { drop(scope.run_until_cancelled(future).await) })
        };
        for _ in 0..4 {
            let _ = poll_pinned(work.as_mut(), &wakes);
        }
        drop(inner.take());
        assert_eq!(wakes.count(), 0, "case {case}");
    }
}

#[test]
fn c8_one_that_waited_in_many_polls_leaves_the_list_when_it_is_answered_or_ready() {
    for waits in 1..4 {
        for answered in [false, true] {
            let scope = ROOT.with_cancel();
            let wakes = Wakes::new();
            let mut inner = waiting(&scope);
            let polled = Cell::new(0);
            let mut middle = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
                polled.set(polled.get() + 1);
                if polled.get() <= waits {
                    Poll::Pending
                } else if answered {
                    inner.as_mut().poll(cx).map(drop)
                } else {
                    Poll::Ready(())
                }
            })));
            let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
                let _ = middle.as_mut().poll(cx);
                Poll::<()>::Pending
            })));
            for _ in 0..=waits {
                assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
            }
            assert_eq!(Arc::strong_count(&wakes), 2, "one stands in the list");
        }
    }
}

#[test]
fn c8_an_await_that_has_taken_its_answer_back_answers_once_more_in_the_same_poll() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let first = is_ready_around_a_waiting_one(&scope);
    let mut work = Box::pin(awaits_both(&scope, first, pending()));
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        assert!(work.as_mut().poll(cx).is_pending());
        work.as_mut().poll(cx).map(drop)
    })));
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    assert_eq!(
        Arc::strong_count(&wakes),
        2,
        "the outer one need not wait for itself"
    );
}

#[test]
fn c8_an_await_that_is_ready_around_a_waiting_one_leaves_its_waker_for_the_next_one() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let first = is_ready_around_a_waiting_one(&scope);
    let work = awaits_and_is_held(&scope, first);
    let mut outer = Box::pin(scope.run_until_cancelled(work));
    for _ in 0..2 {
        assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    }
    assert_eq!(
        Arc::strong_count(&wakes),
        3,
        "one stands in the list, and one with the shield"
    );
}

#[test]
fn c1_an_await_starts_nothing_though_the_one_before_it_went_on() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut inner = waiting(&scope);
    let mut waited = false;
    let first = poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        inner.as_mut().poll(cx).map(drop)
    });
    let (gate, second) = gated();
    let mut outer = Box::pin(scope.run_until_cancelled(awaits_both(&scope, first, second)));
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(matches!(
        poll_pinned(outer.as_mut(), &wakes),
        Poll::Ready(Ok(Err(_)))
    ));
    assert_eq!(gate.polls(), 0);
}

#[test]
fn c8_a_between_call_after_another_await_leaves_the_list_to_the_one_inside() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let (gate, first) = gated();
    let inner = waiting(&scope);
    let second = async { drop(inner.await) };
    let mut work = Box::pin(awaits_and_calls(&scope, first, second));
    assert!(run(work.as_mut(), &wakes).is_pending());
    gate.open();
    assert!(run(work.as_mut(), &wakes).is_pending());
    assert_eq!(Arc::strong_count(&wakes), 2, "one stands in the list");
}

#[test]
fn c8_a_middle_one_waits_for_itself_when_another_one_goes_away_in_its_poll() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let beside = Slot::new(waiting(&scope));
    let mut goes = Box::pin(beside.future());
    let mut middle = Box::pin(scope.run_until_cancelled(poll_fn(|_| {
        drop(beside.take());
        Poll::<()>::Pending
    })));
    {
        let outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
            assert!(goes.as_mut().poll(cx).is_pending());
            assert!(middle.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })));
        assert!(poll_pinned(outer, &wakes).is_ready());
    }
    scope.cancel();
    assert_eq!(wakes.count(), 1);
}

#[test]
fn c8_a_middle_one_that_was_answered_while_a_waker_was_handed_on_relies_on_the_answer() {
    let scope = ROOT.with_cancel();
    let (first, second) = (Wakes::new(), Wakes::new());
    let beside = Slot::new(waiting(&scope));
    let mut goes = Box::pin(beside.future());
    let inner = Slot::new(waiting(&scope));
    let mut inside = Box::pin(inner.future());
    let mut middle = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        assert!(inside.as_mut().poll(cx).is_pending());
        // It answered the outer one with the first waker.
        drop(beside.take());
        Poll::<()>::Pending
    })));
    {
        let mut is_first = true;
        let mut outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
            if std::mem::take(&mut is_first) {
                return goes.as_mut().poll(cx).map(drop);
            }
            assert!(middle.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })));
        assert!(poll_pinned(outer.as_mut(), &first).is_pending());
        assert!(poll_pinned(outer, &second).is_ready());
    }
    drop(inner.take());
    assert!(second.count() > 0, "nobody watches for the middle one");
}

#[test]
fn c8_one_around_another_waker_waits_for_itself_in_every_poll() {
    let scope = ROOT.with_cancel();
    let (first, second, other) = (Wakes::new(), Wakes::new(), Wakes::new());
    let mut inner = waiting(&scope);
    // The other waker leads nowhere, and is the same in every poll.
    let mut outer =
        pin!(scope.run_until_cancelled(poll_fn(|_| poll_pinned(inner.as_mut(), &other))));
    for wakes in [&first, &first, &second] {
        assert!(poll_pinned(outer.as_mut(), wakes).is_pending());
    }
    scope.cancel();
    assert_eq!(second.count(), 1);
}

#[test]
fn c3_a_between_call_around_a_waiting_one_holds_though_it_is_not_polled() {
    for panics in [false, true] {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let (mut inner, mut panics, mut polls) = (waiting(&scope), panics, 1 + u8::from(panics));
        let mut call = Box::pin(between(
            &scope,
            poll_fn(|cx| {
                assert!(!std::mem::take(&mut panics), "as intended");
                inner.as_mut().poll(cx)
            }),
        ));
        let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
            while polls > 0 {
                polls -= 1;
                let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx)));
                assert_eq!(polled.is_err(), polls > 0);
            }
            Poll::<()>::Pending
        })));
        assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
        scope.cancel();
        assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    }
}

#[test]
fn c3_one_that_is_held_stays_so_inside_another_one_though_its_shield_is_not_polled() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut shielded = waiting(&scope.without_cancel());
    let mut is_first = true;
    let mut middle: Local<'_> = Box::pin(async {
        let checkpoint = scope.run_until_cancelled(poll_fn(|cx| {
            if std::mem::take(&mut is_first) {
                return shielded.as_mut().poll(cx).map(drop);
            }
            Poll::Pending
        }));
        drop(checkpoint.await);
    });
    let inside: RefCell<Option<Local<'_>>> = RefCell::new(None);
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(
        |cx| match &mut *inside.borrow_mut() {
            Some(middle) => middle.as_mut().poll(cx),
            None => Poll::Pending,
        },
    )));
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    assert!(poll_pinned(middle.as_mut(), &wakes).is_pending());
    scope.cancel();
    *inside.borrow_mut() = Some(middle);
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
}

#[test]
fn c8_one_that_cannot_end_asks_nobody_after_its_poll() {
    let scope = ROOT.with_cancel();
    for (ctx, woken) in [(ROOT, 0), (scope.clone(), 1)] {
        let wakes = Wakes::new();
        let inner = Slot::new(waiting(&scope));
        // The second one stands where the first one did.
        let outer = pin!(ctx.run_until_cancelled(inner.future()));
        assert!(poll_pinned(outer, &wakes).is_pending());
        drop(inner.take());
        assert_eq!(wakes.count(), woken, "{ctx:?}");
    }
}
