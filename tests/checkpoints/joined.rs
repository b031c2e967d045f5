//! C3 and C8 where checkpoints of one line and one task stand inside each other, and have one frame.

use super::helpers::{FreshWaker, ROOT, Slot, between, finish, run};
use crate::support::{Wakes, poll_pinned};
use futures::future::join;
use std::{
    cell::Cell,
    future::{Future, pending, poll_fn},
    pin::{Pin, pin},
    task::{Context as TaskContext, Poll},
};

#[test]
fn c3_a_middle_one_decides_though_its_inner_one_is_dropped_beside_it_and_the_context_ends() {
    let scope = ROOT.with_cancel();
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let mut middle = Box::pin(scope.run_until_cancelled_owned(inner.future()));
    let surfaced = Cell::new(false);
    let mut first = true;
    let outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
        let polled = middle.as_mut().poll(cx);
        if std::mem::take(&mut first) {
            drop(inner.take());
            scope.cancel();
        }
        surfaced.set(surfaced.get() | polled.is_ready());
        polled.map(drop)
    })));
    assert!(finish(outer, &Wakes::new()).is_ok());
    assert!(surfaced.get());
}

#[test]
fn c8_a_middle_one_outlives_the_outer_one_and_then_loses_its_inner_one() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let mut middle = Box::pin(scope.run_until_cancelled_owned(inner.future()));
    {
        let outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
            assert!(middle.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })));
        assert!(poll_pinned(outer, &wakes).is_ready());
    }
    drop(inner.take());
    let before = wakes.count();
    if before > 0 {
        assert!(run(middle.as_mut(), &wakes).is_pending());
    }
    let before = wakes.count();
    scope.cancel();
    assert!(wakes.count() > before, "the wake-up is lost");
}

#[test]
fn c8_a_middle_one_moves_out_of_an_outer_one_that_is_dropped_and_then_loses_its_inner_one() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let middle = Slot::new(scope.run_until_cancelled_owned(inner.future()));
    let mut outer = Box::pin(scope.run_until_cancelled_owned(middle.future()));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let mut middle = middle.take();
    drop(outer);
    drop(inner.take());
    if wakes.count() > 0 {
        assert!(run(middle.as_mut(), &wakes).is_pending());
    }
    let before = wakes.count();
    scope.cancel();
    assert!(wakes.count() > before, "the wake-up is lost");
}

#[test]
fn c8_a_middle_one_whose_inner_one_came_and_went_in_one_poll_waits_for_itself() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut middle = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        let inner = pin!(scope.run_until_cancelled(pending::<()>()));
        let _ = inner.poll(cx);
        Poll::<()>::Pending
    })));
    {
        let outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
            assert!(middle.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })));
        assert!(poll_pinned(outer, &wakes).is_ready());
    }
    let before = wakes.count();
    scope.cancel();
    assert!(wakes.count() > before, "the wake-up is lost");
    assert!(finish(middle.as_mut(), &wakes).is_err());
}

/// More came and went in one poll than the frame can count, and who comes after that must not be misled.
#[test]
fn c8_a_middle_one_waits_for_itself_however_many_came_and_went_before_it_in_one_poll() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let come_and_go = |cx: &mut TaskContext<'_>| {
        let inner = pin!(scope.run_until_cancelled(pending::<()>()));
        let _ = inner.poll(cx);
    };
    let mut middle = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        come_and_go(cx);
        Poll::<()>::Pending
    })));
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        (0..200_000).for_each(|_| come_and_go(cx));
        assert!(middle.as_mut().poll(cx).is_pending());
        Poll::<()>::Pending
    })));
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    drop(outer);
    scope.cancel();
    assert!(wakes.count() > before, "the wake-up is lost");
    assert!(finish(middle.as_mut(), &wakes).is_err());
}

/// The same for the outermost one, which asks by itself.
#[test]
fn c4_one_is_woken_however_many_came_and_went_in_its_poll() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        for _ in 0..200_000 {
            let inner = pin!(scope.run_until_cancelled(pending::<()>()));
            let _ = inner.poll(cx);
        }
        Poll::<()>::Pending
    })));
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    scope.cancel();
    assert!(wakes.count() > before, "the wake-up is lost");
    assert!(finish(outer.as_mut(), &wakes).is_err());
}

#[test]
fn c4_a_future_polled_by_two_middle_ones_in_one_poll_wakes_the_task_once() {
    let scope = ROOT.with_cancel();
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let middle = || Box::pin(scope.run_until_cancelled(inner.future()));
    let mut outer = Box::pin(scope.run_until_cancelled(join(middle(), middle())));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert_eq!(wakes.count(), 1);
}

#[test]
fn c8_a_middle_one_around_another_waker_waits_for_itself_and_the_outer_one_does_not() {
    let scope = ROOT.with_cancel();
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let around = FreshWaker::new(inner.future());
    let mut middle = Box::pin(scope.run_until_cancelled(around));
    let wakes = Wakes::new();
    let passes = Cell::new(false);
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        assert!(middle.as_mut().poll(cx).is_pending());
        if passes.get() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    passes.set(true);
    assert!(poll_pinned(outer.as_mut(), &wakes).is_ready());
    drop(outer);
    // The other waker leads nowhere now.
    assert!(run(inner.take().as_mut(), &Wakes::new()).is_pending());
    scope.cancel();
    assert_eq!(wakes.count(), 1);
}

#[test]
fn c4_a_chain_around_another_waker_is_woken_by_it_and_once_for_itself() {
    let scope = ROOT.with_cancel();
    let inner = scope.run_until_cancelled(pending::<()>());
    let middle = scope.run_until_cancelled(FreshWaker::new(inner));
    let mut outer = Box::pin(scope.run_until_cancelled(middle));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert_eq!(wakes.count(), 2);
}

#[test]
fn c3_an_answer_counts_though_another_one_was_taken_back_meanwhile() {
    let scope = ROOT.with_cancel();
    let other = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let surfaced = Cell::new(false);
    let mut inner = Box::pin(async {
        let waited = scope.run_until_cancelled(pending::<()>()).await;
        surfaced.set(waited.is_err());
    });
    let mut first = true;
    let middle = scope.run_until_cancelled(poll_fn(|cx| {
        let polled = inner.as_mut().poll(cx);
        if std::mem::take(&mut first) {
            drop(other.take());
            scope.cancel();
        }
        polled
    }));
    let outer = pin!(scope.run_until_cancelled(join(other.future(), middle)));
    assert!(finish(outer, &Wakes::new()).is_err());
    assert!(surfaced.get());
}

#[test]
fn c8_one_that_is_polled_twice_in_one_poll_and_dropped_in_it_leaves_the_watch_to_the_outer_one() {
    for polls in 1..4 {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let mut inner = Some(Box::pin(scope.run_until_cancelled(pending::<()>())));
        let mut outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
            if let Some(mut inner) = inner.take() {
                for _ in 0..polls {
                    assert!(inner.as_mut().poll(cx).is_pending());
                }
            }
            Poll::<()>::Pending
        })));
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let before = wakes.count();
        scope.cancel();
        assert_eq!(wakes.count(), before + 1, "polls: {polls}");
        assert!(finish(outer, &wakes).is_err());
    }
}

#[test]
fn c8_a_middle_one_that_moved_to_another_outer_one_outlives_that_and_then_loses_its_inner_one() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let mut middle = Box::pin(scope.run_until_cancelled_owned(inner.future()));
    for ready in [false, true] {
        let outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
            assert!(middle.as_mut().poll(cx).is_pending());
            if ready {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })));
        assert_eq!(poll_pinned(outer, &wakes).is_ready(), ready);
    }
    let before = wakes.count();
    drop(inner.take());
    if wakes.count() > before {
        assert!(run(middle.as_mut(), &wakes).is_pending());
    }
    let before = wakes.count();
    scope.cancel();
    assert!(wakes.count() > before, "the wake-up is lost");
}

#[test]
fn c8_a_middle_one_that_left_an_earlier_outer_one_is_dropped_inside_a_later_one() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let waits = Cell::new(true);
    let mut inner = Box::pin(scope.run_until_cancelled(pending::<()>()));
    let waits = &waits;
    let middle = Slot::new(scope.run_until_cancelled(poll_fn(move |cx| {
        if waits.get() {
            return Poll::Pending;
        }
        inner.as_mut().poll(cx).map(drop)
    })));
    let mut earlier = Box::pin(scope.run_until_cancelled(middle.future()));
    assert!(run(earlier.as_mut(), &wakes).is_pending());
    let mut middle = Some(middle.take());
    waits.set(false);
    {
        let later = pin!(scope.run_until_cancelled(poll_fn(|cx| {
            let mut middle = middle.take().expect("it is polled once");
            assert!(middle.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })));
        assert!(poll_pinned(later, &wakes).is_ready());
    }
    if wakes.count() > 0 {
        assert!(run(earlier.as_mut(), &wakes).is_pending());
    }
    let before = wakes.count();
    scope.cancel();
    assert!(wakes.count() > before, "the wake-up is lost");
}

/// An outer one that does not give up: it is a `between` call, or one that is held by such a call beside the
/// middle one. The middle one loses its inner one, and is to be polled when the context ends.
#[track_caller]
fn a_middle_one_decides_inside(call: bool, ends_in_the_poll: bool) {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let mut middle = Box::pin(scope.run_until_cancelled_owned(inner.future()));
    let mut held = Box::pin(between(scope.clone(), pending::<()>()));
    let surfaced = Cell::new(false);
    let mut first = true;
    let future = poll_fn(|cx| {
        if !surfaced.get() {
            surfaced.set(middle.as_mut().poll(cx).is_ready());
        }
        if !call {
            assert!(held.as_mut().poll(cx).is_pending());
        }
        if std::mem::take(&mut first) {
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
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    scope.cancel();
    if wakes.count() > before {
        assert!(run(outer.as_mut(), &wakes).is_pending());
    }
    assert!(surfaced.get(), "the wake-up is lost");
    let before = wakes.count();
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    assert_eq!(wakes.count(), before);
}

#[test]
fn c8_a_middle_one_that_lost_its_inner_one_decides_inside_a_between_call() {
    a_middle_one_decides_inside(true, false);
    a_middle_one_decides_inside(true, true);
}

#[test]
fn c8_a_middle_one_that_lost_its_inner_one_decides_inside_one_that_is_held() {
    a_middle_one_decides_inside(false, false);
    a_middle_one_decides_inside(false, true);
}

/// A middle one relies on the answer of its inner one to the outer one. That goes away beside it while the
/// outer one is at work, which takes over; then the outer one goes away, and nobody is left.
///
/// To the outer one this looks like the lost branch of a `select!`, whose middle one is dropped with its inner
/// one. Telling them apart takes a middle one that says when its future is being dropped, and no call within a
/// call does that.
#[test]
#[ignore = "the outer one does not know whether those who relied on its answerers are still there"]
fn c8_a_middle_one_outlives_an_outer_one_that_took_over_from_its_inner_one() {
    // In which poll the inner one goes away, and in which the outer one is ready, if it is.
    for (goes_in, ready_in) in [(1, None), (2, None), (1, Some(1)), (2, Some(2))] {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
        let mut middle = Box::pin(scope.run_until_cancelled_owned(inner.future()));
        let mut polls = 0;
        let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
            polls += 1;
            if polls == 1 {
                assert!(middle.as_mut().poll(cx).is_pending());
            }
            if polls == goes_in {
                drop(inner.take());
            }
            if ready_in == Some(polls) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })));
        for _ in 0..goes_in {
            let _ = poll_pinned(outer.as_mut(), &wakes);
        }
        drop(outer);
        if wakes.count() > 0 {
            assert!(run(middle.as_mut(), &wakes).is_pending());
        }
        let before = wakes.count();
        scope.cancel();
        assert!(wakes.count() > before, "the wake-up is lost");
    }
}
