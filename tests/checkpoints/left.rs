//! C8 for what a checkpoint leaves behind when it is ready or dropped: no waker, and no needless wake-up.

use super::helpers::{FreshWaker, Gated, ROOT, Slot, gated, passes_and_is_held, run};
use crate::support::{Wakes, poll_pinned};
use ctx::{CancelScope, Cancelled, Context, with_context};
use std::{
    cell::Cell,
    future::{Future, pending, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

type Local<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Checkpoints around each other on one context, the innermost waiting.
fn nest(scope: &CancelScope, depth: usize) -> Local<'_> {
    if depth == 0 {
        return Box::pin(pending());
    }
    let inside = nest(scope, depth - 1);
    Box::pin(async move { drop(scope.run_until_cancelled(inside).await) })
}

/// Polls `future` in the polls that are `polled`, and is ready in the last one; it keeps the future then.
fn ready_around<'a>(mut future: Local<'a>, polled: &'a [bool]) -> impl Future<Output = ()> + 'a {
    let mut polls = polled.iter();
    poll_fn(move |cx| {
        if *polls.next().expect("it is not polled once it was ready") {
            assert!(future.as_mut().poll(cx).is_pending());
        }
        if polls.len() == 0 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
}

/// Polls a checkpoint on `on` around a future that holds one of `depth` others when it is ready. To drop it
/// then wakes nobody.
#[track_caller]
fn drops_in_silence(on: &Context, depth: usize, polled: &[bool], around: Option<&CancelScope>) {
    let scope = on.with_cancel();
    let wakes = Wakes::new();
    let mut work = Box::pin(scope.run_until_cancelled(ready_around(nest(&scope, depth), polled)));
    {
        let mut poll = |cx: &mut TaskContext<'_>| {
            let polled = work.as_mut().poll(cx);
            polled.map(drop)
        };
        for _ in polled {
            match around {
                Some(around) => {
                    let outer = pin!(around.run_until_cancelled(poll_fn(&mut poll)));
                    let _ = poll_pinned(outer, &wakes);
                }
                None => {
                    let _ = poll_pinned(pin!(poll_fn(&mut poll)), &wakes);
                }
            }
        }
    }
    let before = wakes.count();
    forget_the_latest();
    drop(work);
    assert_eq!(wakes.count(), before, "{polled:?}");
}

/// So many checkpoints are over after this that those before it are remembered no more.
fn forget_the_latest() {
    let scope = ROOT.with_cancel();
    for _ in 0..20 {
        let over = pin!(scope.run_until_cancelled(ready_around(nest(&scope, 1), &[true])));
        assert!(poll_pinned(over, &Wakes::new()).is_ready());
    }
}

#[test]
fn c8_one_that_is_ready_while_one_inside_waits_is_dropped_in_silence() {
    drops_in_silence(&ROOT, 1, &[true], None);
    drops_in_silence(&ROOT, 1, &[true, true], None);
    // One that answered in the same poll, and others who relied on that.
    drops_in_silence(&ROOT, 2, &[true], None);
    drops_in_silence(&ROOT, 2, &[true, false], None);
    drops_in_silence(&ROOT, 3, &[true, false, true], None);
}

#[test]
fn c8_one_within_a_wider_one_that_is_ready_is_dropped_in_silence() {
    let wide = ROOT.with_cancel();
    drops_in_silence(&wide, 1, &[true], Some(&wide));
    drops_in_silence(&wide, 2, &[true], Some(&wide));
    drops_in_silence(&wide, 2, &[true, false], Some(&wide));
}

#[test]
fn c8_one_that_was_answered_and_is_ready_needs_nobody_any_more() {
    for around in [false, true] {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
        let future = inner.future();
        let mut work = pin!(scope.run_until_cancelled(ready_around(
            Box::pin(async { drop(future.await) }),
            &[true, false]
        )));
        assert!(poll_pinned(work.as_mut(), &wakes).is_pending());
        if around {
            let outer = pin!(scope.run_until_cancelled(&mut work));
            assert!(poll_pinned(outer, &wakes).is_ready());
        } else {
            assert!(poll_pinned(work.as_mut(), &wakes).is_ready());
        }
        let before = wakes.count();
        drop(inner.take());
        assert_eq!(wakes.count(), before);
    }
}

#[test]
fn c8_nobody_relies_on_one_because_others_relied_on_an_earlier_one() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    assert!(poll_pinned(nest(&scope, 3).as_mut(), &wakes).is_pending());
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let future = inner.future();
    let future = Box::pin(async { drop(future.await) });
    let work = pin!(scope.run_until_cancelled(ready_around(future, &[true])));
    assert!(poll_pinned(work, &wakes).is_ready());
    drop(inner.take());
    assert_eq!(wakes.count(), 0);
}

#[test]
fn c8_a_checkpoint_that_is_ready_has_left_the_list() {
    for around in [false, true] {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let (gate, future) = gated();
        let mut work = Box::pin(scope.run_until_cancelled(future));
        let mut poll = || {
            if around {
                let outer = pin!(scope.run_until_cancelled(&mut work));
                poll_pinned(outer, &wakes).map(drop)
            } else {
                poll_pinned(work.as_mut(), &wakes).map(drop)
            }
        };
        assert!(poll().is_pending());
        gate.open();
        assert!(poll().is_ready());
        assert_eq!(Arc::strong_count(&wakes), 1, "nobody holds the waker");
        drop(work);
    }
}

#[with_context]
async fn calls(gate: Gated) -> Result<(), Cancelled> {
    passes_and_is_held(ctx, gate).await
}

#[test]
fn c8_an_await_that_finishes_elsewhere_hands_over_at_once() {
    for around in [false, true] {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let (gate, future) = gated();
        let work = Slot::new(passes_and_is_held(&scope, future));
        let mut earlier = Box::pin(scope.run_until_cancelled(work.future()));
        assert!(run(earlier.as_mut(), &wakes).is_pending());
        let mut work = work.take();
        gate.open();
        let before = wakes.count();
        if around {
            let later = pin!(scope.run_until_cancelled(&mut work));
            assert!(poll_pinned(later, &wakes).is_pending());
        } else {
            assert!(poll_pinned(work.as_mut(), &wakes).is_pending());
        }
        assert!(wakes.count() > before, "the earlier one takes over");
    }
}

#[test]
fn c8_a_function_that_moved_inside_another_checkpoint_wakes_the_first_task_no_more() {
    let scope = ROOT.with_cancel();
    let (first, second) = (Wakes::new(), Wakes::new());
    let (gate, future) = gated();
    let mut work = Box::pin(passes_and_is_held(&scope, future));
    assert!(run(work.as_mut(), &first).is_pending());
    gate.open();
    let mut outer = Box::pin(scope.run_until_cancelled(work));
    assert!(run(outer.as_mut(), &second).is_pending());
    let before = first.count();
    scope.cancel();
    assert_eq!(first.count(), before);
}

#[test]
fn c8_a_function_that_is_dropped_with_a_shield_inside_wakes_nobody() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let (gate, future) = gated();
    gate.open();
    let mut work = Box::pin(calls(&scope, future));
    assert!(run(work.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    drop(work);
    assert_eq!(wakes.count(), before);
}

#[test]
fn c8_one_that_waited_and_is_answered_now_has_left_the_list() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let waits = Cell::new(true);
    let mut inner = Box::pin(scope.run_until_cancelled(pending::<()>()));
    let middle = scope.run_until_cancelled(poll_fn(|cx| {
        if waits.get() {
            return Poll::Pending;
        }
        inner.as_mut().poll(cx).map(drop)
    }));
    let mut outer = Box::pin(scope.run_until_cancelled(middle));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    waits.set(false);
    // Once more, with nothing new.
    for _ in 0..2 {
        assert!(run(outer.as_mut(), &wakes).is_pending());
        assert_eq!(Arc::strong_count(&wakes), 2, "one stands in the list");
    }
    scope.cancel();
    assert_eq!(wakes.count(), 1);
}

#[test]
fn c8_only_the_innermost_of_one_task_stand_in_the_list() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let alone = scope.run_until_cancelled(pending::<()>());
    let mut both = Box::pin(futures::future::join(alone, nest(&scope, 2)));
    for _ in 0..2 {
        assert!(run(both.as_mut(), &wakes).is_pending());
        assert_eq!(Arc::strong_count(&wakes), 3, "two wakers besides ours");
    }
    scope.cancel();
    assert_eq!(wakes.count(), 1);
}

#[test]
fn c8_around_another_waker_only_the_nearest_one_stands_in_the_list() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let middle = scope.run_until_cancelled(FreshWaker::new(nest(&scope, 1)));
    let mut outer = Box::pin(scope.run_until_cancelled(middle));
    for _ in 0..2 {
        assert!(run(outer.as_mut(), &wakes).is_pending());
        assert_eq!(
            Arc::strong_count(&wakes),
            3,
            "the middle one's, and within the other waker"
        );
    }
}

#[test]
fn c8_what_one_promised_is_no_promise_of_the_next_one() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let waits = Cell::new(true);
    let mut inner = nest(&scope, 1);
    let middle = scope.run_until_cancelled(poll_fn(|cx| {
        if waits.get() {
            return Poll::Pending;
        }
        inner.as_mut().poll(cx)
    }));
    let mut outer = pin!(scope.run_until_cancelled(middle));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    waits.set(false);
    assert!(run(outer.as_mut(), &wakes).is_pending());
    // The middle one has nothing left to promise, and this one waits in its place.
    let mut next = nest(&scope, 1);
    assert!(run(next.as_mut(), &wakes).is_pending());
    drop(next);
    assert_eq!(wakes.count(), 0);
}

#[test]
fn c8_a_function_leaves_its_waker_in_the_list_for_its_next_await() {
    for around in [false, true] {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let (gate, future) = gated();
        let work = passes_and_is_held(&scope, future);
        let mut work: Local<'_> = if around {
            Box::pin(async { drop(scope.run_until_cancelled(work).await) })
        } else {
            Box::pin(async { drop(work.await) })
        };
        assert!(run(work.as_mut(), &wakes).is_pending());
        gate.open();
        assert!(poll_pinned(work.as_mut(), &wakes).is_pending());
        let held = usize::from(around);
        assert_eq!(
            Arc::strong_count(&wakes),
            2 + held,
            "one stands in the list"
        );
    }
}

#[test]
fn c8_one_that_joined_in_a_later_poll_is_told_when_its_inner_one_goes_away() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let inner = std::cell::RefCell::new(nest(&scope, 1));
    let mut middle =
        pin!(scope.run_until_cancelled(poll_fn(|cx| { inner.borrow_mut().as_mut().poll(cx) })));
    for _ in 0..2 {
        {
            let outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
                assert!(middle.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })));
            assert!(poll_pinned(outer, &wakes).is_ready());
        }
        let before = wakes.count();
        drop(inner.replace(nest(&scope, 1)));
        assert!(wakes.count() > before, "nobody watches for the middle one");
    }
}

#[test]
fn c8_nobody_relies_on_one_because_another_one_inside_cannot_end() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut endless = Box::pin(ROOT.run_until_cancelled_owned(pending::<()>()));
    let mut inner = nest(&scope, 1);
    {
        let outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
            assert!(endless.as_mut().poll(cx).is_pending());
            assert!(inner.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })));
        assert!(poll_pinned(outer, &wakes).is_ready());
    }
    drop(inner);
    assert_eq!(wakes.count(), 0);
}

/// Around it is a checkpoint on a context that has nothing to do with theirs, so each of them is answered by all those inside
/// it, and each of these hands to it whose watch ends.
#[test]
fn c8_a_chain_in_a_foreign_place_that_is_dropped_wakes_once_for_each_of_its_checkpoints() {
    const DEPTH: usize = 14;
    let (elsewhere, scope) = (ROOT.with_cancel(), ROOT.with_cancel());
    let slot = Slot::new(nest(&scope, DEPTH));
    let around = scope.run_until_cancelled(slot.future());
    let mut outer = pin!(elsewhere.run_until_cancelled(around));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    drop(slot.take());
    assert_eq!(wakes.count(), DEPTH);
    assert!(run(outer.as_mut(), &wakes).is_pending());
}
