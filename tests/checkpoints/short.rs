//! C3 and C8 where a short way through a poll looks open, and one condition says that it is not.

use super::helpers::{ROOT, Slot, awaits_and_calls, between, hears_of_the_end, run, waiting};
use crate::support::{Wakes, poll_pinned};
use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, Waker},
};

#[test]
fn c8_others_rely_on_one_that_had_waited_before_it_was_answered() {
    for ready in [false, true] {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let inner = Slot::new(waiting(&scope));
        let mut middle = Box::pin(scope.run_until_cancelled_owned(inner.future()));
        let mut polls = 0;
        let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
            polls += 1;
            if polls > 1 {
                assert!(middle.as_mut().poll(cx).is_pending());
            }
            if ready && polls == 3 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })));
        for _ in 0..3 {
            let _ = poll_pinned(outer.as_mut(), &wakes);
        }
        drop(outer);
        let before = wakes.count();
        drop(inner.take());
        hears_of_the_end(middle.as_mut(), &scope, &wakes, before);
    }
}

/// The same where the one in question is polled once more only, so that all that it knows is from one poll.
#[test]
fn c8_others_rely_on_one_that_had_waited_and_was_answered_once() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let inner = Slot::new(waiting(&scope));
    let mut middle = Box::pin(scope.run_until_cancelled_owned(inner.future()));
    let mut polls = 0;
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        polls += 1;
        if polls > 1 {
            assert!(middle.as_mut().poll(cx).is_pending());
        }
        Poll::<()>::Pending
    })));
    for _ in 0..2 {
        assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    }
    drop(outer);
    let before = wakes.count();
    drop(inner.take());
    hears_of_the_end(middle.as_mut(), &scope, &wakes, before);
}

/// A middle one answers the outer one first, and is answered itself in the next poll.
#[test]
fn c8_one_that_had_answered_relies_on_who_answers_it() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let inner = Slot::new(waiting(&scope));
    let mut future = Box::pin(inner.future());
    let mut polls = 0;
    let mut middle = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        polls += 1;
        if polls > 1 {
            assert!(future.as_mut().poll(cx).is_pending());
        }
        Poll::<()>::Pending
    })));
    {
        let mut outer = Box::pin(scope.run_until_cancelled(middle.as_mut()));
        for _ in 0..2 {
            assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
        }
    }
    let before = wakes.count();
    drop(inner.take());
    hears_of_the_end(middle.as_mut(), &scope, &wakes, before);
}

#[test]
fn c8_one_that_keeps_its_own_watch_relies_on_nobody() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let inner = Slot::new(waiting(&scope));
    let looks = Cell::new(false);
    let mut future = Box::pin(inner.future());
    let mut middle = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        if looks.get() {
            assert!(future.as_mut().poll(cx).is_pending());
        }
        Poll::<()>::Pending
    })));
    assert!(poll_pinned(middle.as_mut(), &wakes).is_pending());
    looks.set(true);
    {
        let outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
            assert!(middle.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })));
        assert!(poll_pinned(outer, &wakes).is_ready());
    }
    let before = wakes.count();
    drop(inner.take());
    assert_eq!(wakes.count(), before, "it is woken for nothing");
    scope.cancel();
    assert!(wakes.count() > before, "the wake-up is lost");
}

/// Two polls with one task context, which stands at one address: what the first one asked by is gone.
#[test]
fn c8_one_that_was_polled_inside_another_is_polled_by_itself_with_the_same_task_context() {
    for looks_again in [false, true] {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let task = Waker::from(Arc::clone(&wakes));
        let mut cx = TaskContext::from_waker(&task);
        let inners: [RefCell<Option<_>>; 2] =
            [(); 2].map(|()| RefCell::new(Some(Box::pin(waiting(&scope)))));
        let at = Cell::new(0);
        let middle = RefCell::new(Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
            if let Some(inner) = &mut *inners[at.get()].borrow_mut() {
                assert!(inner.as_mut().poll(cx).is_pending());
            }
            Poll::<()>::Pending
        }))));
        let polls = Cell::new(0);
        let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
            polls.set(polls.get() + 1);
            if polls.get() == 1 {
                return middle.borrow_mut().as_mut().poll(cx).map(drop);
            }
            Poll::Pending
        })));
        assert!(outer.as_mut().poll(&mut cx).is_pending());
        if looks_again {
            assert!(outer.as_mut().poll(&mut cx).is_pending());
        }
        at.set(1);
        assert!(middle.borrow_mut().as_mut().poll(&mut cx).is_pending());
        drop(outer);
        drop(inners[0].take());
        let before = wakes.count();
        drop(inners[1].take());
        hears_of_the_end(middle.borrow_mut().as_mut(), &scope, &wakes, before);
    }
}

/// The same where nothing came in the last polls of the first one, which waits for itself in them, and the context ends in the poll that follows.
#[test]
fn c3_one_that_was_polled_inside_another_leaves_the_decision_with_the_same_task_context() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let task = Waker::from(Arc::clone(&wakes));
    let mut cx = TaskContext::from_waker(&task);
    let mut inner = Box::pin(waiting(&scope));
    let ends = Cell::new(false);
    let middle = RefCell::new(Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        let polled = inner.as_mut().poll(cx);
        if ends.take() {
            scope.cancel();
        }
        polled.map(|it| it.is_err())
    }))));
    let mut first = true;
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        if std::mem::take(&mut first) {
            assert!(middle.borrow_mut().as_mut().poll(cx).is_pending());
        }
        Poll::<()>::Pending
    })));
    for _ in 0..3 {
        assert!(outer.as_mut().poll(&mut cx).is_pending());
    }
    ends.set(true);
    let before = wakes.count();
    let mut middle = middle.borrow_mut();
    assert!(middle.as_mut().poll(&mut cx).is_pending());
    assert!(wakes.count() > before);
    let decided = run(middle.as_mut(), &wakes);
    assert!(matches!(decided, Poll::Ready(Ok(true))));
}

/// One relied on an answer to an earlier await of the function. The function's `between` call loses it.
#[test]
fn c8_a_between_call_minds_those_who_relied_on_an_earlier_await() {
    for later in 0..3 {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let inner = Slot::new(waiting(&scope));
        let middle = RefCell::new(Box::pin(scope.run_until_cancelled_owned(inner.future())));
        let mut direct = Box::pin(inner.future());
        let mut polls = 0;
        let first = poll_fn(|cx| {
            assert!(middle.borrow_mut().as_mut().poll(cx).is_pending());
            Poll::Ready(())
        });
        let second = poll_fn(|cx| {
            polls += 1;
            if polls == 1 {
                assert!(direct.as_mut().poll(cx).is_pending());
                drop(inner.take());
            }
            Poll::<()>::Pending
        });
        let mut work = Box::pin(awaits_and_calls(&scope, first, second));
        for _ in 0..=later {
            assert!(poll_pinned(work.as_mut(), &wakes).is_pending());
        }
        hears_of_the_end(middle.borrow_mut().as_mut(), &scope, &wakes, 0);
    }
}

/// A call that minds one whose inner one is gone was answered meanwhile, and so has left the list. Then another
/// one loses its inner one, and the context ends in the same poll.
#[test]
fn c8_a_between_call_minds_a_second_one_that_loses_its_inner_one_as_the_context_ends() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let inners = [Slot::new(waiting(&scope)), Slot::new(waiting(&scope))];
    let mut middles =
        [0, 1].map(|at: usize| Box::pin(scope.run_until_cancelled_owned(inners[at].future())));
    let surfaced = Cell::new(false);
    let mut polls = 0;
    let mut call = Box::pin(between(
        scope.clone(),
        poll_fn(|cx| {
            polls += 1;
            let at = usize::from(polls > 1);
            if !surfaced.get() {
                surfaced.set(middles[at].as_mut().poll(cx).is_ready());
            }
            if polls == 1 {
                drop(inners[0].take());
            }
            if polls == 3 {
                drop(inners[1].take());
                scope.cancel();
            }
            Poll::<()>::Pending
        }),
    ));
    for _ in 0..2 {
        assert!(poll_pinned(call.as_mut(), &wakes).is_pending());
    }
    let before = wakes.count();
    assert!(poll_pinned(call.as_mut(), &wakes).is_pending());
    if wakes.count() > before {
        assert!(run(call.as_mut(), &wakes).is_pending());
    }
    assert!(surfaced.get(), "the wake-up is lost");
}

/// It waits and then is answered in one poll of the outer one, in which both it and its inner one are dropped.
#[test]
fn c8_one_that_took_its_answer_back_in_a_poll_takes_it_back_once() {
    for drops_inner in [false, true] {
        let scope = ROOT.with_cancel();
        let wakes = Wakes::new();
        let inner = Slot::new(waiting(&scope));
        let looks = Cell::new(false);
        let mut future = Box::pin(inner.future());
        let mut middle = Some(Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
            if looks.get() {
                assert!(future.as_mut().poll(cx).is_pending());
            }
            Poll::<()>::Pending
        }))));
        let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
            if let Some(mut middle) = middle.take() {
                assert!(middle.as_mut().poll(cx).is_pending());
                looks.set(true);
                assert!(middle.as_mut().poll(cx).is_pending());
                drop(middle);
                if drops_inner {
                    drop(inner.take());
                }
            }
            Poll::<()>::Pending
        })));
        assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
        let before = wakes.count();
        scope.cancel();
        assert_eq!(wakes.count(), before + 1);
    }
}
