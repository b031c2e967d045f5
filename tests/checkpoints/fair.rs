//! C7: nobody is starved, and nothing is too deep.

use super::helpers::{Boxed, ROOT, between, with_each_poll};
use std::{
    future::{Future, pending, poll_fn, ready},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    thread,
    time::Duration,
};
use tokio::{task::coop, time};

/// More than any loop here needs, so that a starving one fails instead of hanging.
const ENOUGH: usize = 100_000;

#[tokio::test]
async fn c7_a_loop_of_ready_awaits_lets_the_canceller_run() {
    let scope = ROOT.with_cancel();
    let canceller = scope.canceller();
    tokio::spawn(async move { canceller.cancel() });
    for _ in 0..ENOUGH {
        if scope.run_until_cancelled(ready(())).await.is_err() {
            return;
        }
    }
    panic!("the canceller never ran");
}

#[tokio::test(start_paused = true)]
async fn c7_a_loop_of_ready_awaits_lets_timers_run() {
    let scope = ROOT.with_timeout(Duration::from_secs(1));
    let done = Arc::new(AtomicBool::new(false));
    let bell = Arc::clone(&done);
    tokio::spawn(async move {
        time::sleep(Duration::from_millis(5)).await;
        bell.store(true, Ordering::SeqCst);
    });
    tokio::spawn(time::advance(Duration::from_millis(10)));
    for _ in 0..ENOUGH {
        between(&scope, ready(())).await.unwrap();
        if done.load(Ordering::SeqCst) {
            return;
        }
    }
    panic!("the timer never rang");
}

#[tokio::test]
async fn c7_a_loop_that_retries_on_a_cancelled_context_lets_others_run() {
    let scope = ROOT.with_cancel();
    scope.cancel();
    let other = tokio::spawn(async {});
    for _ in 0..ENOUGH {
        scope
            .run_until_cancelled(pending::<()>())
            .await
            .unwrap_err();
        if other.is_finished() {
            return;
        }
    }
    panic!("the other task never ran");
}

#[tokio::test]
async fn c7_being_polled_again_costs_no_budget() {
    let scope = ROOT.with_cancel();
    let mut nested = pin!(scope.run_until_cancelled(scope.run_until_cancelled(pending::<()>())));
    poll_fn(|cx| {
        for _ in 0..10_000 {
            assert!(nested.as_mut().poll(cx).is_pending());
        }
        assert!(coop::has_budget_remaining());
        Poll::Ready(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn c7_being_polled_again_with_a_deadline_costs_no_budget() {
    let scope = ROOT.with_timeout(Duration::from_secs(1));
    let mut waits = pin!(scope.run_until_cancelled(pending::<()>()));
    poll_fn(|cx| {
        for _ in 0..10_000 {
            assert!(waits.as_mut().poll(cx).is_pending());
        }
        assert!(coop::has_budget_remaining());
        Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn c7_starting_costs_budget_once() {
    let scope = ROOT.with_cancel();
    let started = AtomicUsize::new(0);
    let mut waits: Vec<_> = (0..1_000)
        .map(|_| {
            Box::pin(scope.run_until_cancelled(with_each_poll(|| {
                started.fetch_add(1, Ordering::SeqCst);
            })))
        })
        .collect();
    poll_fn(|cx| {
        for waits in &mut waits {
            assert!(waits.as_mut().poll(cx).is_pending());
        }
        assert!(!coop::has_budget_remaining());
        Poll::Ready(())
    })
    .await;
    assert!((1..1_000).contains(&started.load(Ordering::SeqCst)));
}

#[tokio::test]
async fn c3_a_checkpoint_stopped_by_the_budget_still_decides() {
    let scope = ROOT.with_cancel();
    let spend = poll_fn(|cx| {
        while let Poll::Ready(budget) = coop::poll_proceed(cx) {
            budget.made_progress();
        }
        Poll::Ready(())
    });
    let outcome = scope
        .run_until_cancelled(async {
            spend.await;
            // Cancelled while the inner one has not even started: it refuses, the outer does not fire.
            let inner = scope.run_until_cancelled(ready(()));
            let cancel = poll_fn(|_| Poll::Ready(scope.cancel()));
            futures::join!(inner, cancel).0.is_err()
        })
        .await;
    assert!(matches!(outcome, Ok(true)));
}

/// Runs on a stack on which ten thousand polls fit into each other.
fn on_a_large_stack(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(1 << 28).spawn(work);
    thread.unwrap().join().unwrap();
}

#[test]
fn c7_ten_thousand_nested_checkpoints_make_progress() {
    on_a_large_stack(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let scope = ROOT.with_cancel();
            let mut deep: Boxed<bool> = Box::pin(async {
                tokio::task::yield_now().await;
                true
            });
            for _ in 0..10_000 {
                let next = scope.run_until_cancelled_owned(deep);
                deep = Box::pin(async move { next.await.unwrap() });
            }
            let polls = AtomicUsize::new(0);
            let counted = poll_fn(|cx| {
                polls.fetch_add(1, Ordering::SeqCst);
                deep.as_mut().poll(cx)
            });
            assert!(tokio::spawn(async {}).await.is_ok());
            assert!(counted.await);
            assert!(
                polls.load(Ordering::SeqCst) < 200,
                "each poll starts a hundred of them"
            );
        });
    });
}
