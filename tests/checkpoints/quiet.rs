//! C8 where futures come, go and move: nobody is woken for nothing, and nobody spins.

use super::helpers::{Boxed, FreshWaker, ROOT, Slot, chain, finish, gated, run};
use crate::support::{Wakes, poll_pinned};
use futures::{FutureExt, StreamExt, future::join_all, stream::FuturesUnordered};
use std::{
    future::{pending, poll_fn, ready},
    pin::pin,
    task::Poll,
};

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
