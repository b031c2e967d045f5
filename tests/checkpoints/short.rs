//! C3 and C8 where a short way through a poll looks open, and one condition says that it is not.

use super::helpers::{
    FreshWaker, ROOT, Slot, awaits_and_calls, awaits_both, between, gated, hears_of_the_end, run,
    waiting,
};
use crate::support::{Wakes, poll_pinned};
use ctx::CancelScope;
use futures::future::LocalBoxFuture;
use std::{
    cell::{Cell, RefCell},
    future::{Future, pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
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
        let mut polls = 0;
        let mut call = Box::pin(between(
            &scope,
            poll_fn(|cx| {
                polls += 1;
                if polls == 1 {
                    return inner.as_mut().poll(cx).map(drop);
                }
                Poll::Ready(())
            }),
        ));
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
    let mut polls = 0;
    let mut call = Box::pin(between(
        &scope,
        poll_fn(|cx| {
            polls += 1;
            if polls == 1 {
                return inner.as_mut().poll(cx).map(drop);
            }
            Poll::Ready(())
        }),
    ));
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
