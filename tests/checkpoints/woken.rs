//! C4 under combinators and executors that give the inner future a waker of its own.

use super::helpers::{FreshWaker, ROOT, finish, gated, run};
use crate::support::Wakes;
use ctx::Cancelled;
use futures::{FutureExt, StreamExt, future::join_all, stream::FuturesUnordered};
use std::{future::pending, pin::pin};

#[test]
fn c4_futures_unordered_is_woken_once_and_drops_each_before_its_error() {
    let scope = ROOT.with_cancel();
    let (gates, futures): (Vec<_>, Vec<_>) = (0..50).map(|_| gated()).unzip();
    let guarded = futures.into_iter().map(|it| scope.run_until_cancelled(it));
    let mut all = guarded.collect::<FuturesUnordered<_>>();
    let wakes = Wakes::new();
    assert!(run(pin!(all.next()), &wakes).is_pending());
    let before = wakes.count();
    scope.cancel();
    assert_eq!(wakes.count() - before, 1);
    for left in (0..50).rev() {
        assert!(finish(pin!(all.next()), &wakes).unwrap().is_err());
        assert_eq!(gates.iter().filter(|it| !it.is_dropped()).count(), left);
    }
}

#[test]
fn c4_join_all_is_woken_once() {
    let scope = ROOT.with_cancel();
    for members in [3, 50] {
        let scope = scope.with_cancel();
        let waits = (0..members).map(|_| scope.run_until_cancelled(pending::<()>()));
        let mut all = pin!(join_all(waits));
        let wakes = Wakes::new();
        assert!(run(all.as_mut(), &wakes).is_pending());
        let before = wakes.count();
        scope.cancel();
        // Small ones pass the task's waker on, and each place in the list is woken for itself, but for
        // neighbours with one waker.
        assert_eq!(wakes.count() - before, 1);
        assert!(finish(all, &wakes).iter().all(Result::is_err));
    }
}

#[test]
fn c4_an_outer_checkpoint_and_one_behind_another_waker_both_wake_the_task() {
    let scope = ROOT.with_cancel();
    let (gate, future) = gated();
    let inner = FuturesUnordered::from_iter([scope.run_until_cancelled(future)]);
    let mut outer = pin!(scope.run_until_cancelled(inner.collect::<Vec<_>>()));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let before = wakes.count();
    scope.cancel();
    assert!((1..=2).contains(&(wakes.count() - before)));
    let inside = finish(outer, &wakes).expect("the inner one decides, as it was polled");
    assert!(inside[0].is_err() && gate.is_dropped());
}

#[test]
fn c4_select_is_woken_once_and_drops_the_future_before_the_error() {
    let scope = ROOT.with_cancel();
    let (gate, future) = gated();
    let mut selects = pin!(async {
        tokio::select! {
            result = scope.run_until_cancelled(future) => (result.is_err(), gate.is_dropped()),
            () = pending() => unreachable!(),
        }
    });
    let wakes = Wakes::new();
    assert!(run(selects.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert_eq!(wakes.count(), 1);
    assert_eq!(finish(selects, &wakes), (true, true));
}

#[test]
fn c4_shared_wakes_every_task_once() {
    let scope = ROOT.with_cancel();
    let (gate, future) = gated();
    let guarded = scope.run_until_cancelled_owned(future);
    let shared = guarded
        .map(|result: Result<(), Cancelled>| result.is_err())
        .shared();
    let (mut here, mut there) = (pin!(shared.clone()), pin!(shared));
    let (mine, yours) = (Wakes::new(), Wakes::new());
    assert!(run(here.as_mut(), &mine).is_pending());
    assert!(run(there.as_mut(), &yours).is_pending());
    let before = (mine.count(), yours.count());
    scope.cancel();
    assert_eq!((mine.count() - before.0, yours.count() - before.1), (1, 1));
    assert!(finish(here, &mine));
    assert!(gate.is_dropped());
    assert!(finish(there, &yours));
}

#[test]
fn c4_a_combinator_with_a_new_waker_for_every_poll_is_woken_once() {
    let scope = ROOT.with_cancel();
    let mut waits = pin!(FreshWaker::new(scope.run_until_cancelled(pending::<()>())));
    let wakes = Wakes::new();
    for _ in 0..10 {
        assert!(run(waits.as_mut(), &wakes).is_pending());
    }
    assert_eq!(wakes.count(), 0);
    scope.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(finish(waits, &wakes).is_err());
}

#[tokio::test]
async fn c4_tasks_of_a_join_set_end() {
    let scope = ROOT.with_cancel();
    let (gates, futures): (Vec<_>, Vec<_>) = (0..50).map(|_| gated()).unzip();
    let mut set = tokio::task::JoinSet::new();
    for future in futures {
        set.spawn(scope.run_until_cancelled_owned(future));
    }
    tokio::task::yield_now().await;
    scope.cancel();
    while let Some(result) = set.join_next().await {
        assert!(result.unwrap().is_err());
    }
    assert!(
        gates
            .iter()
            .all(|gate| gate.is_dropped() && gate.polls() <= 2)
    );
}
