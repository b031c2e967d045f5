//! C8: who kept watch goes away, or the future moves to another task.

use super::helpers::{Boxed, FreshWaker, ROOT, Slot, between, finish, gated, run};
use crate::support::{Wakes, poll_pinned};
use ctx::{CancelScope, RunUntilCancelledOwned};
use futures::{
    FutureExt, StreamExt,
    future::{join_all, select},
    stream::FuturesUnordered,
};
use std::{
    future::{Future, Pending, pending, poll_fn, ready},
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

type Waits = RunUntilCancelledOwned<Pending<()>>;

/// A checkpoint that waits inside another, polled once, and the slot that it can be taken out of.
struct Nest {
    outer: Boxed<bool>,
    inner: Slot<Waits>,
    wakes: Arc<Wakes>,
}

impl Nest {
    fn new(scope: &CancelScope) -> Self {
        let inner = Slot::new(scope.run_until_cancelled_owned(pending()));
        let outer = scope.run_until_cancelled_owned(inner.future());
        let mut outer: Boxed<bool> = Box::pin(async { outer.await.is_err() });
        let wakes = Wakes::new();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        assert_eq!(wakes.count(), 0);
        Self {
            outer,
            inner,
            wakes,
        }
    }

    /// The outer one hears of the end: it was woken by now if `at_once`, or is when the context ends.
    #[track_caller]
    fn hears(mut self, scope: &CancelScope) {
        // An executor polls the task if it was woken, and only then.
        if self.wakes.count() > 0 {
            assert!(run(self.outer.as_mut(), &self.wakes).is_pending());
        }
        let before = self.wakes.count();
        scope.cancel();
        assert!(self.wakes.count() > before, "the wake-up is lost");
        assert!(finish(self.outer.as_mut(), &self.wakes));
    }
}

#[test]
fn c8_an_inner_one_is_taken_out_and_dropped() {
    let scope = ROOT.with_cancel();
    let nest = Nest::new(&scope);
    drop(nest.inner.take());
    nest.hears(&scope);
}

#[test]
fn c8_an_inner_one_is_taken_out_and_polled_by_another_task() {
    let scope = ROOT.with_cancel();
    let nest = Nest::new(&scope);
    let mut inner = nest.inner.take();
    let other = Wakes::new();
    assert!(run(inner.as_mut(), &other).is_pending());
    nest.hears(&scope);
    assert_eq!(other.count(), 1);
    assert!(finish(inner.as_mut(), &other).is_err());
}

#[test]
fn c8_an_inner_one_is_taken_out_and_polled_by_the_same_task_under_another() {
    let scope = ROOT.with_cancel();
    let nest = Nest::new(&scope);
    let mut inner = nest.inner.take();
    {
        let mut another = pin!(scope.run_until_cancelled(&mut inner));
        assert!(poll_pinned(another.as_mut(), &nest.wakes).is_pending());
    }
    drop(inner);
    nest.hears(&scope);
}

#[test]
fn c8_an_inner_one_is_taken_out_and_polled_by_the_same_task_with_nobody_around() {
    let scope = ROOT.with_cancel();
    let nest = Nest::new(&scope);
    let mut inner = nest.inner.take();
    assert!(poll_pinned(inner.as_mut(), &nest.wakes).is_pending());
    drop(inner);
    nest.hears(&scope);
}

#[test]
fn c8_an_inner_one_goes_to_another_outer_of_the_task_and_then_to_another_task() {
    let scope = ROOT.with_cancel();
    let nest = Nest::new(&scope);
    let mut inner = nest.inner.take();
    {
        let mut another = pin!(scope.run_until_cancelled(&mut inner));
        assert!(poll_pinned(another.as_mut(), &nest.wakes).is_pending());
    }
    assert!(run(inner.as_mut(), &Wakes::new()).is_pending());
    nest.hears(&scope);
}

#[test]
fn c8_one_behind_another_waker_is_taken_out_and_owes_nothing() {
    let scope = ROOT.with_cancel();
    for dropped in [true, false] {
        let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
        let around = FreshWaker::new(inner.future());
        let mut outer = Box::pin(scope.run_until_cancelled(around));
        let wakes = Wakes::new();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let mut inner = inner.take();
        if dropped {
            drop(inner);
        } else {
            assert!(run(inner.as_mut(), &Wakes::new()).is_pending());
        }
        assert_eq!(wakes.count(), 0, "the outer one waits for itself");
    }
}

#[test]
fn c8_an_inner_one_is_taken_out_and_leaked() {
    let scope = ROOT.with_cancel();
    let nest = Nest::new(&scope);
    std::mem::forget(nest.inner.take());
    nest.hears(&scope);
}

#[test]
fn c8_an_inner_one_is_taken_out_and_becomes_held() {
    // Once a shield runs in it, it waits for nothing any more, and so must pass the watch on.
    for between_too in [false, true] {
        let scope = ROOT.with_cancel();
        let ctx = scope.clone();
        let (gate, first) = gated();
        let inner = Slot::new(scope.run_until_cancelled_owned(async move {
            first.await;
            if between_too {
                drop(between(&ctx, pending::<()>()).await);
            }
            drop(
                ctx.without_cancel()
                    .run_until_cancelled(pending::<()>())
                    .await,
            );
        }));
        let mut outer = Box::pin(scope.run_until_cancelled(inner.future()));
        let wakes = Wakes::new();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let mut inner = inner.take();
        gate.open();
        assert!(poll_pinned(inner.as_mut(), &wakes).is_pending());
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let before = wakes.count();
        scope.cancel();
        assert!(wakes.count() > before, "the wake-up is lost");
        assert!(finish(outer.as_mut(), &wakes).is_err());
    }
}

#[test]
fn c8_becoming_held_elsewhere_tells_the_one_around_it() {
    // As above, but the outer one is not polled unless it is woken after the inner one became held.
    let scope = ROOT.with_cancel();
    let ctx = scope.clone();
    let (gate, first) = gated();
    let inner = Slot::new(scope.run_until_cancelled_owned(async move {
        first.await;
        drop(
            ctx.without_cancel()
                .run_until_cancelled(pending::<()>())
                .await,
        );
    }));
    let mut outer = Box::pin(scope.run_until_cancelled(inner.future()));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let mut inner = inner.take();
    gate.open();
    let before = wakes.count();
    assert!(poll_pinned(inner.as_mut(), &wakes).is_pending());
    assert!(
        wakes.count() > before,
        "nobody watches for the outer one now"
    );
}

#[test]
fn c8_an_inner_one_finishes_elsewhere() {
    let scope = ROOT.with_cancel();
    let (gate, future) = gated();
    let inner = Slot::new(scope.run_until_cancelled_owned(future));
    let mut outer = Box::pin(scope.run_until_cancelled(inner.future()));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let mut inner = inner.take();
    gate.open();
    let before = wakes.count();
    finish(inner.as_mut(), &Wakes::new()).unwrap();
    assert!(wakes.count() > before, "the outer one takes over at once");
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    scope.cancel();
    assert_eq!(wakes.count() - before, 1);
    assert!(finish(outer.as_mut(), &wakes).is_err());
}

#[test]
fn c8_an_inner_one_that_finishes_in_the_poll_hands_over() {
    let scope = ROOT.with_cancel();
    let (gate, future) = gated();
    let mut outer = pin!(scope.run_until_cancelled(async {
        scope.run_until_cancelled(future).await.unwrap();
        pending::<()>().await;
    }));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    gate.open();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    scope.cancel();
    assert_eq!(wakes.count() - before, 1);
    assert!(finish(outer, &wakes).is_err());
}

#[test]
fn c8_an_inner_one_that_is_polled_and_dropped_in_one_poll_hands_over() {
    let scope = ROOT.with_cancel();
    let mut outer = pin!(scope.run_until_cancelled(async {
        tokio::select! {
            biased;
            _ = scope.run_until_cancelled(pending::<()>()) => unreachable!(),
            () = ready(()) => {}
        }
        pending::<()>().await;
    }));
    let wakes = Wakes::new();
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    assert_eq!(wakes.count(), 0);
    scope.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(finish(outer, &wakes).is_err());
}

#[test]
fn c8_an_inner_one_that_answered_in_an_earlier_poll_is_dropped_in_this_one() {
    let scope = ROOT.with_cancel();
    let (gate, lost) = gated();
    let mut outer = pin!(scope.run_until_cancelled(async {
        tokio::select! {
            biased;
            () = lost => {}
            _ = scope.run_until_cancelled(pending::<()>()) => unreachable!(),
        }
        pending::<()>().await;
    }));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    gate.open();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    assert_eq!(wakes.count(), 1, "by the gate");
    scope.cancel();
    assert_eq!(wakes.count(), 2);
    assert!(finish(outer, &wakes).is_err());
}

/// A chain of checkpoints around each other, on one context, the innermost waiting.
fn chain(scope: &CancelScope, depth: usize) -> Boxed<usize> {
    let mut chain: Boxed<usize> = Box::pin(pending());
    for level in 0..depth {
        let next = scope.run_until_cancelled_owned(chain);
        chain = Box::pin(async move { next.await.unwrap_or(level) });
    }
    chain
}

#[test]
fn c8_a_chain_moves_between_tasks() {
    for depth in [1, 2, 3, 10] {
        let scope = ROOT.with_cancel();
        let mut future = chain(&scope, depth);
        let tasks: Vec<_> = (0..4).map(|_| Wakes::new()).collect();
        for wakes in tasks.iter().chain(&tasks) {
            assert!(poll_pinned(future.as_mut(), wakes).is_pending());
        }
        scope.cancel();
        let counts: Vec<_> = tasks.iter().map(|it| it.count()).collect();
        assert_eq!(
            counts,
            [0, 0, 0, 1],
            "the last one is the task, and nobody is misled"
        );
        assert_eq!(
            finish(future.as_mut(), &tasks[3]),
            0,
            "the innermost decides"
        );
    }
}

#[test]
fn c8_a_middle_one_is_taken_out_of_a_chain() {
    for dropped in [true, false] {
        let scope = ROOT.with_cancel();
        let middle = Slot::new(scope.run_until_cancelled_owned(chain(&scope, 3)));
        let around = scope.run_until_cancelled_owned(middle.future());
        let mut outer = Box::pin(scope.run_until_cancelled(around));
        let (mine, other) = (Wakes::new(), Wakes::new());
        assert!(run(outer.as_mut(), &mine).is_pending());
        let mut middle = middle.take();
        if dropped {
            drop(middle);
        } else {
            assert!(run(middle.as_mut(), &other).is_pending());
        }
        assert!(mine.count() > 0, "it is to take over at once");
        assert!(run(outer.as_mut(), &mine).is_pending());
        let before = mine.count();
        scope.cancel();
        assert_eq!(mine.count() - before, 1);
        assert!(matches!(finish(outer.as_mut(), &mine), Ok(Err(_))));
    }
}

#[test]
fn c8_a_middle_one_ends_before_the_inner_one_that_keeps_watch_for_all() {
    let scope = ROOT.with_cancel();
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let middle = Slot::new(scope.run_until_cancelled_owned(inner.future()));
    let mut outer = Box::pin(scope.run_until_cancelled(middle.future()));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let inner = inner.take();
    drop(middle.take());
    drop(inner);
    assert!(wakes.count() > 0, "nobody watches for the outer one now");
}

#[test]
fn c8_a_narrower_middle_one_ends_before_the_inner_one_that_keeps_watch_for_all() {
    let wide = ROOT.with_cancel();
    let narrow = wide.with_cancel();
    let inner = Slot::new(narrow.run_until_cancelled_owned(pending::<()>()));
    let middle = Slot::new(narrow.run_until_cancelled_owned(inner.future()));
    let mut outer = Box::pin(wide.run_until_cancelled(middle.future()));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let inner = inner.take();
    drop(middle.take());
    drop(inner);
    assert!(wakes.count() > 0, "nobody watches for the outer one now");
}

#[test]
fn c8_a_middle_one_that_moved_panics_after_its_inner_one_went_away() {
    let scope = ROOT.with_cancel();
    let (inside, armed) = (scope.clone(), Arc::new(AtomicBool::new(false)));
    let trigger = Arc::clone(&armed);
    let middle = Slot::new(scope.run_until_cancelled_owned(async move {
        let mut inner = Some(Box::pin(inside.run_until_cancelled(pending::<()>())));
        poll_fn(|cx| {
            if armed.load(Ordering::SeqCst) {
                inner = None;
                panic!("as intended");
            }
            inner.as_mut().expect("not armed").as_mut().poll(cx)
        })
        .await
    }));
    let mut outer = Box::pin(scope.run_until_cancelled(middle.future()));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let middle = AssertUnwindSafe(middle.take());
    trigger.store(true, Ordering::SeqCst);
    assert!(finish(pin!(middle.catch_unwind()), &Wakes::new()).is_err());
    assert!(wakes.count() > 0, "nobody watches for the outer one now");
}

#[test]
fn c8_one_is_moved_from_one_outer_to_another_of_a_different_task() {
    let scope = ROOT.with_cancel();
    let nest = Nest::new(&scope);
    let taken = nest.inner.take();
    let mut another = Box::pin(scope.run_until_cancelled(scope.run_until_cancelled(taken)));
    let other = Wakes::new();
    assert!(run(another.as_mut(), &other).is_pending());
    nest.hears(&scope);
    assert_eq!(other.count(), 1);
    assert!(matches!(finish(another.as_mut(), &other), Ok(Ok(Err(_)))));
}

#[test]
fn c8_several_askers_each_hear_when_their_answerer_leaves() {
    // Around a wider middle one, the inner one answers two checkpoints at once.
    for case in 0..3 {
        let wide = ROOT.with_cancel();
        let narrow = wide.with_cancel();
        let inner = Slot::new(narrow.run_until_cancelled_owned(pending::<()>()));
        let middle = Slot::new(wide.run_until_cancelled_owned(inner.future()));
        let mut outer = Box::pin(narrow.run_until_cancelled(middle.future()));
        let (wakes, other) = (Wakes::new(), Wakes::new());
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let mut middle = middle.take();
        match case {
            0 => drop(inner.take()),
            1 => assert!(run(inner.take().as_mut(), &other).is_pending()),
            // With the middle one at work, the inner one still has the outer one to think of.
            _ => assert!(run(middle.as_mut(), &other).is_pending()),
        }
        assert!(wakes.count() > 0, "the outer one takes over at once");
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let before = wakes.count();
        narrow.cancel();
        assert_eq!(wakes.count() - before, 1);
        assert!(finish(outer.as_mut(), &wakes).is_err());
    }
}

#[test]
fn c8_a_lost_branch_wakes_nobody() {
    let scope = ROOT.with_cancel();
    let mut rounds = pin!(scope.run_until_cancelled(async {
        for _ in 0..100 {
            let deep = chain(&scope, 3);
            tokio::select! {
                biased;
                _ = scope.run_until_cancelled(deep) => unreachable!(),
                () = ready(()) => {}
            }
        }
        pending::<()>().await;
    }));
    let wakes = Wakes::new();
    assert!(run(rounds.as_mut(), &wakes).is_pending());
    assert_eq!(wakes.count(), 0);
}

#[test]
fn c8_a_branch_that_waits_by_reference_wakes_nobody() {
    let scope = ROOT.with_cancel();
    let mut rounds = pin!(scope.run_until_cancelled(async {
        let mut deep = chain(&scope, 2);
        for _ in 0..100 {
            let branch = scope.run_until_cancelled(&mut deep);
            tokio::select! {
                biased;
                _ = branch => unreachable!(),
                () = tokio::task::yield_now() => {}
            }
        }
        drop(deep);
        pending::<()>().await;
    }));
    let wakes = Wakes::new();
    let mut polls = 0;
    loop {
        let before = wakes.count();
        assert!(poll_pinned(rounds.as_mut(), &wakes).is_pending());
        polls += 1;
        if wakes.count() == before {
            break;
        }
    }
    assert_eq!(
        (wakes.count(), polls),
        (100, 101),
        "one wake-up for each yield"
    );
    scope.cancel();
    assert_eq!(wakes.count(), 101);
}

#[test]
fn c8_what_is_left_in_a_finished_future_wakes_nobody() {
    // A `timeout` that has run out still holds the future that it gave up.
    let scope = ROOT.with_cancel();
    let mut rounds = pin!(scope.run_until_cancelled(async {
        for _ in 0..10 {
            let mut deep = chain(&scope, 3);
            let lost = poll_fn(move |cx| {
                assert!(deep.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            });
            scope.run_until_cancelled(lost).await.unwrap();
        }
    }));
    let wakes = Wakes::new();
    finish(rounds.as_mut(), &wakes).unwrap();
    assert_eq!(wakes.count(), 0);
}

#[test]
fn c8_a_whole_task_that_is_dropped_wakes_nobody() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut future = chain(&scope, 5);
    assert!(run(future.as_mut(), &wakes).is_pending());
    drop(future);
    // As many as share the task's waker, and so many that they do not.
    for members in [20, 50] {
        let members = (0..members).map(|_| chain(&scope, 2));
        let mut all = Box::pin(scope.run_until_cancelled(join_all(members)));
        assert!(run(all.as_mut(), &wakes).is_pending());
        let before = wakes.count();
        drop(all);
        assert_eq!(wakes.count(), before);
    }
}

#[test]
fn c8_new_wakers_for_every_poll_do_not_spin() {
    let (scope, unrelated) = (ROOT.with_cancel(), ROOT.with_cancel());
    let narrow = scope.with_cancel();
    // In order, in odd orders, and with several of them in one place.
    let one: Boxed<()> = Box::pin(FreshWaker::new(chain(&scope, 3).map(drop)));
    let odd = narrow.run_until_cancelled_owned(FreshWaker::new(chain(&scope, 2)));
    let odd = scope.run_until_cancelled_owned(unrelated.run_until_cancelled_owned(odd));
    let odd: Boxed<()> = Box::pin(FreshWaker::new(narrow.run_until_cancelled_owned(odd)).map(drop));
    let same: Boxed<()> = Box::pin(
        scope
            .run_until_cancelled_owned(narrow.run_until_cancelled_owned(
                scope.run_until_cancelled_owned(narrow.run_until_cancelled_owned(pending::<()>())),
            ))
            .map(drop),
    );
    let all = FreshWaker::new(scope.run_until_cancelled(join_all([one, odd, same])));
    let mut all = pin!(all);
    let wakes = Wakes::new();
    for _ in 0..10 {
        assert!(poll_pinned(all.as_mut(), &wakes).is_pending());
        assert_eq!(wakes.count(), 0);
    }
    scope.cancel();
    assert!(wakes.count() > 0);
    drop(finish(all, &wakes));
}

#[test]
fn c8_odd_orders_that_finish_wake_nobody() {
    let wide = ROOT.with_cancel();
    let narrow = wide.with_cancel();
    let mut outer = pin!(narrow.run_until_cancelled(wide.run_until_cancelled(async {
        for _ in 0..10 {
            tokio::select! {
                biased;
                _ = narrow.run_until_cancelled(pending::<()>()) => unreachable!(),
                () = ready(()) => {}
            }
        }
        pending::<()>().await;
    })));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    assert_eq!(wakes.count(), 0);
    narrow.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(finish(outer, &wakes).is_err());
}

#[test]
fn c8_a_shared_future_under_two_checkpoints_does_not_spin() {
    let scope = ROOT.with_cancel();
    let shared = scope
        .run_until_cancelled_owned(pending::<()>())
        .map(|it| it.is_err())
        .shared();
    let mut here = Box::pin(scope.run_until_cancelled(shared.clone()));
    let mut there = Box::pin(scope.run_until_cancelled(shared));
    let (mine, yours) = (Wakes::new(), Wakes::new());
    let mut polls = 0;
    // Both tasks run as long as either is woken.
    let mut seen = (usize::MAX, usize::MAX);
    while seen != (mine.count(), yours.count()) {
        seen = (mine.count(), yours.count());
        assert!(poll_pinned(here.as_mut(), &mine).is_pending());
        assert!(poll_pinned(there.as_mut(), &yours).is_pending());
        polls += 1;
        assert!(polls < 10, "it spins");
    }
    scope.cancel();
    assert!(mine.count() > seen.0 && yours.count() > seen.1);
    assert!(matches!(finish(here.as_mut(), &mine), Ok(true) | Err(_)));
    assert!(matches!(finish(there.as_mut(), &yours), Ok(true) | Err(_)));
}

#[test]
fn c8_one_future_polled_by_two_checkpoints_of_one_task_does_not_spin() {
    let scope = ROOT.with_cancel();
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let one = scope.run_until_cancelled(inner.future());
    let two = scope.run_until_cancelled(inner.future());
    let mut both = pin!(async { futures::join!(one, two) });
    let wakes = Wakes::new();
    assert!(run(both.as_mut(), &wakes).is_pending());
    drop(inner.take());
    assert!(run(both.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    scope.cancel();
    assert!(wakes.count() > before);
    let (one, two) = finish(both, &wakes);
    assert!(one.is_err() && two.is_err());
}

#[test]
fn c8_members_of_futures_unordered_come_and_go_without_a_lost_or_a_spare_wake() {
    let scope = ROOT.with_cancel();
    let (gates, futures): (Vec<_>, Vec<_>) = (0..40).map(|_| gated()).unzip();
    let members = futures.into_iter().map(|it| scope.run_until_cancelled(it));
    let mut all = members.collect::<FuturesUnordered<_>>();
    let mut outer = pin!(scope.run_until_cancelled(async {
        while let Some(result) = all.next().await {
            if result.is_err() {
                return true;
            }
        }
        false
    }));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    for gate in gates.iter().take(30) {
        let before = wakes.count();
        gate.open();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        assert_eq!(wakes.count() - before, 1, "by the gate");
    }
    let before = wakes.count();
    scope.cancel();
    assert!(wakes.count() > before);
    drop(finish(outer, &wakes));
}

#[test]
fn c8_a_panic_in_a_poll_or_a_drop_leaves_the_thread_in_order() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "as intended");
        }
    }
    let scope = ROOT.with_cancel();
    let outer = ROOT.with_cancel();
    for in_drop in [false, true] {
        let trial = async {
            let scope = scope.with_cancel();
            let bomb = in_drop.then(|| Bomb);
            let inside = scope.run_until_cancelled(scope.run_until_cancelled(async {
                let _bomb = bomb;
                let _waiting = chain(&scope, 2).now_or_never();
                assert!(in_drop, "as intended");
                tokio::task::yield_now().await;
                scope.cancel();
                pending::<()>().await;
            }));
            let inside: Pin<Box<dyn Future<Output = _>>> = Box::pin(inside);
            AssertUnwindSafe(inside).catch_unwind().await.is_err()
        };
        let mut trial = pin!(outer.run_until_cancelled(trial));
        assert!(
            finish(trial.as_mut(), &Wakes::new()).unwrap(),
            "it panicked"
        );
        // A frame left behind would answer for, or ask of, whoever comes next on this thread.
        let scope = ROOT.with_cancel();
        let nest = Nest::new(&scope);
        drop(nest.inner.take());
        nest.hears(&scope);
    }
}

#[test]
fn c8_a_race_that_is_lost_by_a_selected_reference_hands_over() {
    let scope = ROOT.with_cancel();
    let mut outer = pin!(scope.run_until_cancelled(async {
        let mut inner = Box::pin(scope.run_until_cancelled(pending::<()>()));
        select(&mut inner, ready(())).await;
        // The inner one lives on, but nobody polls it any more.
        pending::<()>().await;
        drop(inner);
    }));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(finish(outer, &wakes).is_err());
}
