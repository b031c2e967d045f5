//! C8 where a checkpoint that was made by hand is awaited once more after it was ready, as one around the `next` of a
//! stream may be.

use super::helpers::{Boxed, ROOT, Slot, between, gated, hears_of_the_end, waiting};
use crate::support::{Wakes, asleep, poll_pinned};
use ctx::{CancelScope, Cancelled};
use futures::{StreamExt, channel::mpsc::unbounded};
use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
    time::Duration,
};
use tokio::time::sleep;

type Local<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
type Inner = Slot<Boxed<Result<(), Cancelled>>>;

#[test]
fn c8_one_that_is_awaited_once_more_leaves_the_list_when_it_is_dropped() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    for _ in 0..10 {
        let (sender, mut stream) = unbounded();
        sender.unbounded_send(1).unwrap();
        let mut next = Box::pin(scope.run_until_cancelled(stream.next()));
        assert!(poll_pinned(next.as_mut(), &wakes).is_ready());
        assert!(poll_pinned(next.as_mut(), &wakes).is_pending());
    }
    assert_eq!(Arc::strong_count(&wakes), 1);
}

/// It is ready and then pending in one poll of the outer one, which waits for it alone, and goes away after that.
#[test]
fn c8_one_that_is_awaited_once_more_tells_the_outer_one_when_it_is_dropped() {
    let runtime = asleep();
    let entered = runtime.enter();
    let scope = ROOT.with_timeout(Duration::from_secs(1));
    let wakes = Wakes::new();
    let (sender, mut stream) = unbounded();
    sender.unbounded_send(1).unwrap();
    let mut next = Some(Box::pin(scope.run_until_cancelled(stream.next())));
    let kept = RefCell::new(None);
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        if let Some(mut next) = next.take() {
            assert!(next.as_mut().poll(cx).is_ready());
            assert!(next.as_mut().poll(cx).is_pending());
            *kept.borrow_mut() = Some(next);
        }
        Poll::<()>::Pending
    })));
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    drop(kept.take());
    if wakes.count() > 0 {
        assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    }
    let before = wakes.count();
    drop(entered);
    runtime.block_on(async { sleep(Duration::from_secs(2)).await });
    assert!(wakes.count() > before, "the wake-up is lost");
}

/// It was answered when it was ready, and is answered once more by the same one.
#[test]
fn c8_one_that_is_awaited_once_more_is_told_when_its_inner_one_goes_away() {
    for (calls, ready_in) in [(false, 1), (false, 2), (true, 1), (true, 2)] {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let inner = Slot::new(waiting(&scope));
        let mut inside = Box::pin(inner.future());
        let mut polls = 0;
        let future = poll_fn(|cx| {
            polls += 1;
            assert!(inside.as_mut().poll(cx).is_pending());
            if polls == ready_in {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        let mut outer: Local<'_> = if calls {
            let mut call = Box::pin(between(&scope, future));
            Box::pin(poll_fn(move |cx| call.as_mut().poll(cx).map(drop)))
        } else {
            let mut race = Box::pin(scope.run_until_cancelled(future));
            Box::pin(poll_fn(move |cx| race.as_mut().poll(cx).map(drop)))
        };
        for poll in 1..=ready_in {
            assert_eq!(
                poll_pinned(outer.as_mut(), &wakes).is_ready(),
                poll == ready_in
            );
        }
        assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
        let before = wakes.count();
        drop(inner.take());
        if calls {
            assert!(wakes.count() > before, "ready in: {ready_in}");
        } else {
            if wakes.count() > before {
                assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
            }
            let before = wakes.count();
            scope.cancel();
            assert!(wakes.count() > before, "ready in: {ready_in}");
        }
    }
}

/// A `between` call is answered by one and ready. The next time one inside that joined it relies on another one.
#[test]
fn c8_one_that_joins_a_call_that_is_awaited_once_more_is_told_when_its_inner_one_goes_away() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let inner = Slot::new(waiting(&scope));
    let mut middle = Box::pin(scope.run_until_cancelled(inner.future()));
    let mut first = Some(waiting(&scope));
    let mut polls = 0;
    let future = poll_fn(|cx| {
        polls += 1;
        match (polls, &mut first) {
            (1, Some(first)) => first.as_mut().poll(cx).map(drop),
            (2, first) => {
                drop(first.take());
                Poll::Ready(())
            }
            _ => middle.as_mut().poll(cx).map(drop),
        }
    });
    let mut call = Box::pin(between(&scope, future));
    for ready in [false, true, false] {
        assert_eq!(poll_pinned(call.as_mut(), &wakes).is_ready(), ready);
    }
    let before = wakes.count();
    drop(inner.take());
    if wakes.count() > before {
        assert!(poll_pinned(call.as_mut(), &wakes).is_pending());
    }
    let before = wakes.count();
    scope.cancel();
    assert!(wakes.count() > before, "the wake-up is lost");
}

/// Two on one scope were ready after others had relied on answers that were taken back. They are told apart when they are
/// awaited once more: one is answered, and the other one loses who answered it.
#[test]
fn c8_two_that_are_awaited_once_more_are_told_apart() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let make = |inner: Inner, loses: Option<Inner>| {
        let scope = &scope;
        let mut inside = Box::pin(inner.future());
        let mut polls = 0;
        Box::pin(scope.run_until_cancelled(poll_fn(move |cx| {
            polls += 1;
            if polls == 1 {
                let gone = Slot::new(waiting(scope));
                let mut middle = Box::pin(scope.run_until_cancelled_owned(gone.future()));
                assert!(middle.as_mut().poll(cx).is_pending());
                drop(gone.take());
                return Poll::Ready(());
            }
            match &loses {
                Some(loses) => {
                    drop(loses.take());
                    Poll::Ready(())
                }
                None => inside.as_mut().poll(cx).map(drop),
            }
        })))
    };
    let inner = Slot::new(waiting(&scope));
    let mut first = make(inner.clone(), None);
    let mut second = make(Slot::new(waiting(&scope)), Some(inner));
    assert!(poll_pinned(first.as_mut(), &wakes).is_ready());
    assert!(poll_pinned(second.as_mut(), &wakes).is_ready());
    assert!(poll_pinned(first.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    assert!(poll_pinned(second.as_mut(), &wakes).is_ready());
    hears_of_the_end(first.as_mut(), &scope, &wakes, before);
}

#[test]
fn c1_one_that_is_awaited_once_more_starts_nothing_where_its_context_has_ended() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut polls = 0;
    let mut future = Box::pin(scope.run_until_cancelled(poll_fn(|_| {
        polls += 1;
        Poll::Ready(())
    })));
    for _ in 0..2 {
        assert!(matches!(
            poll_pinned(future.as_mut(), &wakes),
            Poll::Ready(Ok(()))
        ));
    }
    scope.cancel();
    for _ in 0..2 {
        assert!(matches!(
            poll_pinned(future.as_mut(), &wakes),
            Poll::Ready(Err(_))
        ));
    }
    drop(future);
    assert_eq!(polls, 2);
}

/// An outer one awaits it, ends the context, and awaits it once more in the same poll.
#[track_caller]
fn is_refused_after_the_end<F>(scope: &CancelScope, mut inner: Pin<&mut F>)
where
    F: Future<Output = Result<(), Cancelled>> + ?Sized,
{
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        assert!(matches!(inner.as_mut().poll(cx), Poll::Ready(Ok(()))));
        scope.cancel();
        inner.as_mut().poll(cx)
    })));
    let polled = poll_pinned(outer.as_mut(), &Wakes::new());
    assert!(matches!(polled, Poll::Ready(Ok(Err(_)))), "{polled:?}");
}

/// It joins the frame of the outer one each time, and starts each time.
#[test]
fn c1_one_that_is_awaited_once_more_in_another_starts_nothing_where_its_context_has_ended() {
    let scope = ROOT.with_cancel();
    let mut polls = 0;
    let mut inner = Box::pin(scope.run_until_cancelled(poll_fn(|_| {
        polls += 1;
        Poll::Ready(())
    })));
    is_refused_after_the_end(&scope, inner.as_mut());
    drop(inner);
    assert_eq!(polls, 1);
}

#[test]
fn c7_one_that_is_awaited_once_more_in_another_costs_budget_each_time() {
    let runtime = asleep();
    let scope = ROOT.with_cancel();
    let mut inner = Box::pin(scope.run_until_cancelled(poll_fn(|_| Poll::Ready(()))));
    let mut times = 0;
    runtime.block_on(poll_fn(|cx| {
        let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
            while times < 1_000 && inner.as_mut().poll(cx).is_ready() {
                times += 1;
            }
            Poll::Ready(())
        })));
        outer.as_mut().poll(cx).map(drop)
    }));
    assert!(times < 1_000);
}

/// A checkpoint that is answered in the poll in which it is ready. When it is awaited once more it has lost who answered,
/// and does what comes `then`.
fn answered_when_ready<'a>(
    scope: &'a CancelScope,
    mut then: impl FnMut(&mut TaskContext<'_>) -> Poll<()> + 'a,
) -> Pin<Box<dyn Future<Output = Result<(), Cancelled>> + 'a>> {
    let mut inside = Some(waiting(scope));
    let mut ready = false;
    Box::pin(scope.run_until_cancelled(poll_fn(move |cx| {
        if std::mem::replace(&mut ready, true) {
            inside = None;
            return then(cx);
        }
        let inside = inside.as_mut().expect("it is the first poll");
        assert!(inside.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })))
}

/// The same where something came to the frame in the poll in which it was ready.
#[test]
fn c1_one_that_was_answered_when_it_was_ready_starts_nothing_where_its_context_has_ended() {
    let scope = ROOT.with_cancel();
    let mut inner = answered_when_ready(&scope, |_| panic!("it has started once more"));
    is_refused_after_the_end(&scope, inner.as_mut());
}

/// Its first await is within one on another line, and the next one within one on its own.
#[test]
fn c1_one_that_was_ready_above_another_one_starts_nothing_where_its_context_has_ended() {
    let root = ROOT.with_cancel();
    let scope = root.with_cancel();
    let wakes = Wakes::new();
    let mut polls = 0;
    let mut inner = Box::pin(scope.run_until_cancelled(poll_fn(|_| {
        polls += 1;
        Poll::Ready(())
    })));
    {
        let first = root.run_until_cancelled(poll_fn(|cx| inner.as_mut().poll(cx)));
        assert!(poll_pinned(Box::pin(first).as_mut(), &wakes).is_ready());
    }
    let mut second = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        scope.cancel();
        inner.as_mut().poll(cx)
    })));
    let polled = poll_pinned(second.as_mut(), &wakes);
    drop(second);
    drop(inner);
    assert_eq!(polls, 1, "{polled:?}");
}

/// It has started then, and so it is not refused in the next poll, in spite of a call.
#[test]
fn c2_one_that_is_awaited_once_more_gives_no_call_up() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let (gate, gated) = gated();
    let mut call = Box::pin(between(&scope, gated));
    let mut inner = answered_when_ready(&scope, |cx| call.as_mut().poll(cx).map(drop));
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(
        |cx| match inner.as_mut().poll(cx) {
            Poll::Ready(Ok(())) => inner.as_mut().poll(cx),
            other => other,
        },
    )));
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    assert_eq!(gate.polls(), 1);
    scope.cancel();
    let polled = poll_pinned(outer.as_mut(), &wakes);
    assert!(polled.is_pending(), "{polled:?}");
}
