//! Checkpoints and deadlines: under the paused clock, outside any runtime, and between runtimes.

use super::helpers::{ROOT, Slot, finish, gated, run};
use crate::support::{Wakes, poll_pinned};
use ctx::{CancelScope, Cancelled, Context, ctx_value, with_context};
use futures::{StreamExt, stream::FuturesUnordered};
use std::{
    future::{Future, pending},
    pin::pin,
    task::Poll,
    time::Duration,
};
use tokio::{runtime::Builder, time};

ctx_value! { NUMBER: u8; }

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn c4_a_deadline_ends_the_innermost_checkpoint() {
    let start = time::Instant::now();
    let scope = ROOT.with_timeout(SECOND);
    let inside = scope.run_until_cancelled(pending::<()>());
    let outcome = scope.run_until_cancelled(inside).await;
    assert!(outcome.unwrap().unwrap_err().is_deadline_exceeded());
    assert_eq!(start.elapsed().as_secs(), 1);
}

#[with_context]
async fn awaits(future: impl Future<Output = ()>) -> Result<(), Cancelled> {
    future.await;
    Ok(())
}

/// Nobody waits for the context, so nothing has told it of its end.
#[tokio::test(start_paused = true)]
async fn c1_nothing_starts_on_a_context_with_a_deadline_that_has_ended_unheard() {
    let below_a_value = |scope: &CancelScope| scope.with_value(&NUMBER, 1).with_timeout(SECOND);
    let below = |scope: &CancelScope| scope.with_timeout(SECOND);
    let makes: [&dyn Fn(&CancelScope) -> CancelScope; 2] = [&below, &below_a_value];
    let whens = [(2, false), (0, true), (0, false)];
    for (make, (waits, cancels)) in makes.iter().flat_map(|make| whens.map(|when| (make, when))) {
        let root = ROOT.with_cancel();
        let scope = make(&root);
        let valued: Context = scope.with_value(&NUMBER, 2);
        time::advance(waits * SECOND).await;
        if cancels {
            root.cancel();
        }
        let starts = waits == 0 && !cancels;
        for ctx in [&*scope, &valued] {
            let (gate, future) = gated();
            gate.open();
            assert_eq!(awaits(ctx, future).await.is_ok(), starts);
            assert_eq!(gate.polls(), usize::from(starts));
            let (gate, future) = gated();
            gate.open();
            assert_eq!(ctx.run_until_cancelled(future).await.is_ok(), starts);
            assert_eq!(gate.polls(), usize::from(starts));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn c4_a_deadline_wakes_the_task_once_for_a_chain() {
    let scope = ROOT.with_timeout(SECOND);
    let inside = scope.run_until_cancelled(scope.run_until_cancelled(pending::<()>()));
    let mut waits = pin!(scope.run_until_cancelled(inside));
    let wakes = Wakes::new();
    assert!(run(waits.as_mut(), &wakes).is_pending());
    time::advance(SECOND / 2).await;
    assert_eq!(wakes.count(), 0);
    time::advance(SECOND).await;
    assert_eq!(wakes.count(), 1);
    assert!(matches!(finish(waits, &wakes), Ok(Ok(Err(_)))));
}

#[tokio::test(start_paused = true)]
async fn c3_the_earlier_deadline_inside_decides_first() {
    let outer = ROOT.with_timeout(3 * SECOND);
    let inner = outer.with_timeout(SECOND);
    let start = time::Instant::now();
    let outcome = outer
        .run_until_cancelled(async {
            let inside = inner.run_until_cancelled(pending::<()>()).await;
            assert!(inside.unwrap_err().is_deadline_exceeded());
            pending::<()>().await;
        })
        .await;
    assert!(outcome.unwrap_err().is_deadline_exceeded());
    assert_eq!(
        start.elapsed().as_secs(),
        3,
        "the outer one took over, with its own timer"
    );
}

#[tokio::test(start_paused = true)]
async fn c3_a_grace_period_ends_by_its_own_deadline() {
    let scope = ROOT.with_cancel();
    let grace = scope.without_cancel().with_timeout(5 * SECOND);
    let (gate, future) = gated();
    let waits = scope.run_until_cancelled(grace.run_until_cancelled(future));
    let cancel = async {
        time::sleep(SECOND).await;
        scope.cancel();
        time::sleep(SECOND).await;
        assert!(!gate.is_dropped());
    };
    let start = time::Instant::now();
    let (outcome, ()) = futures::join!(waits, cancel);
    assert!(outcome.unwrap().unwrap_err().is_deadline_exceeded());
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn c4_deadlines_ring_under_futures_unordered() {
    let parent = ROOT.with_timeout(40 * SECOND);
    let scopes: Vec<_> = (1..50).map(|n| parent.with_timeout(n * SECOND)).collect();
    let members = scopes
        .iter()
        .map(|it| it.run_until_cancelled(pending::<()>()));
    let mut all = members.collect::<FuturesUnordered<_>>();
    let start = time::Instant::now();
    let ended = parent
        .run_until_cancelled(async {
            let mut ended = 0;
            while let Some(result) = all.next().await {
                assert!(result.is_err());
                ended += 1;
            }
            ended
        })
        .await;
    assert_eq!(start.elapsed().as_secs(), 40);
    assert!(matches!(ended, Ok(49) | Err(_)));
}

#[test]
fn c4_a_deadline_rings_outside_any_runtime() {
    let scope = ROOT.with_timeout(Duration::from_millis(10));
    let inside = scope.run_until_cancelled(pending::<()>());
    let outcome = futures::executor::block_on(scope.run_until_cancelled(inside));
    assert!(outcome.unwrap().unwrap_err().is_deadline_exceeded());
}

#[test]
fn c8_a_waiting_checkpoint_moves_between_runtimes() {
    let paused = || {
        Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
    };
    let (first, second) = (paused(), paused());
    let scope = first.block_on(async { ROOT.with_timeout(SECOND) });
    let inside = scope.run_until_cancelled(pending::<()>());
    let mut waits = Box::pin(scope.run_until_cancelled(inside));
    let wakes = Wakes::new();
    first.block_on(async { assert!(run(waits.as_mut(), &wakes).is_pending()) });
    drop(first);
    // The runtime that held the timer is gone; outside of all, and in the next one, there are others.
    assert!(run(waits.as_mut(), &wakes).is_pending());
    let outcome = second.block_on(async { time::timeout(60 * SECOND, waits.as_mut()).await });
    assert!(
        outcome
            .unwrap()
            .unwrap()
            .unwrap_err()
            .is_deadline_exceeded()
    );
}

#[test]
fn c8_a_waiting_checkpoint_leaves_its_runtime() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let scope = ROOT.with_timeout(Duration::from_millis(10));
    let mut waits = Box::pin(scope.run_until_cancelled(pending::<()>()));
    runtime.block_on(async {
        let polled = std::future::poll_fn(|cx| Poll::Ready(waits.as_mut().poll(cx))).await;
        // A slow machine may be past the deadline already.
        assert!(polled.is_pending() || scope.is_cancelled());
    });
    drop(runtime);
    assert!(futures::executor::block_on(waits).is_err());
}

#[tokio::test(start_paused = true)]
async fn c4_one_that_takes_over_after_its_deadline_gives_up_in_that_poll() {
    let scope = ROOT.with_timeout(SECOND);
    let wakes = Wakes::new();
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let mut outer = pin!(scope.run_until_cancelled(inner.future()));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    drop(inner.take());
    time::advance(2 * SECOND).await;
    assert!(poll_pinned(outer, &wakes).is_ready());
}
