//! C3: what does not answer for its poller, since it is another task.

use super::helpers::{ROOT, finish, gated, run, with_each_poll};
use crate::support::Wakes;
use futures::FutureExt;
use std::{
    future::{Future, pending, poll_fn, ready},
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
};
use tokio::{
    runtime::{Builder, Handle},
    task::{LocalSet, block_in_place, spawn_local, yield_now},
};

#[tokio::test]
async fn c3_a_spawned_task_does_not_answer_for_who_waits_for_it() {
    let scope = ROOT.with_cancel();
    let shield = scope.without_cancel();
    let task = tokio::spawn(async move { shield.run_until_cancelled(pending::<()>()).await });
    let mut waits = pin!(scope.run_until_cancelled(task));
    assert!(waits.as_mut().now_or_never().is_none());
    yield_now().await;
    scope.cancel();
    assert!(waits.await.is_err());
}

#[test]
fn c3_a_local_task_inside_a_checkpoint_does_not_answer() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for shielded in [false, true] {
            let scope = ROOT.with_cancel();
            let local = LocalSet::new();
            let ctx = if shielded {
                scope.without_cancel()
            } else {
                scope.clone()
            };
            let (gate, future) = gated();
            local.spawn_local(async move {
                drop(ctx.run_until_cancelled(pending::<()>()).await);
                future.await;
            });
            let inside = local.run_until(async {
                spawn_local(async {});
                pending::<()>().await;
            });
            let mut waits = pin!(scope.run_until_cancelled(inside));
            let wakes = Wakes::new();
            assert!(run(waits.as_mut(), &wakes).is_pending());
            let before = wakes.count();
            scope.cancel();
            assert!(wakes.count() > before);
            assert!(finish(waits, &wakes).is_err());
            assert!(
                !gate.is_dropped(),
                "the local task is the set's, and goes on"
            );
        }
    });
}

#[test]
fn c3_a_nested_block_on_does_not_answer() {
    // The inner one is left behind by the nested executor, with a waker that leads nowhere.
    let scope = ROOT.with_cancel();
    let mut inner = Box::pin(scope.run_until_cancelled(pending::<()>()));
    let mut once = true;
    let mut waits = pin!(scope.run_until_cancelled(with_each_poll(|| {
        if std::mem::take(&mut once) {
            futures::executor::block_on(async {
                assert!(
                    poll_fn(|cx| Poll::Ready(inner.as_mut().poll(cx)))
                        .await
                        .is_pending()
                );
            });
        }
    })));
    let wakes = Wakes::new();
    assert!(run(waits.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(finish(waits, &wakes).is_err());
}

#[test]
fn c8_an_end_right_after_a_nested_block_on_is_heard() {
    let scope = ROOT.with_cancel();
    let mut inner = Box::pin(scope.run_until_cancelled(pending::<()>()));
    let mut once = true;
    let mut waits = pin!(scope.run_until_cancelled(with_each_poll(|| {
        if std::mem::take(&mut once) {
            futures::executor::block_on(async {
                assert!(
                    poll_fn(|cx| Poll::Ready(inner.as_mut().poll(cx)))
                        .await
                        .is_pending()
                );
            });
            scope.cancel();
        }
    })));
    let wakes = Wakes::new();
    assert!(
        finish(waits.as_mut(), &wakes).is_err(),
        "it sees the end in this poll or is woken"
    );
}

#[test]
fn c3_a_nested_block_on_inside_a_runtime_runs_to_its_end() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let outcome = runtime.block_on(async {
        tokio::spawn(async {
            let scope = ROOT.with_cancel();
            let nested = async {
                block_in_place(|| {
                    Handle::current().block_on(async {
                        let waits = scope.run_until_cancelled(pending::<()>());
                        let cancel = async {
                            yield_now().await;
                            scope.cancel();
                        };
                        let inner = futures::join!(waits, cancel).0.is_err();
                        let shield = scope.without_cancel();
                        shield.run_until_cancelled(yield_now()).await.unwrap();
                        inner
                    })
                })
            };
            scope.run_until_cancelled(nested).await
        })
        .await
    });
    assert!(
        outcome.unwrap().unwrap(),
        "the inner one fired, and the result won over the end"
    );
}

#[test]
fn c3_a_future_polled_by_another_thread_meanwhile_does_not_answer() {
    let scope = ROOT.with_cancel();
    let inner = Arc::new(Mutex::new(Box::pin(
        scope.run_until_cancelled_owned(pending::<()>()),
    )));
    let elsewhere = Arc::clone(&inner);
    let mut waits = pin!(scope.run_until_cancelled(with_each_poll(move || {
        let inner = Arc::clone(&elsewhere);
        let poll = move || run(inner.lock().unwrap().as_mut(), &Wakes::new()).is_ready();
        std::thread::spawn(poll).join().unwrap();
    })));
    let wakes = Wakes::new();
    assert!(run(waits.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(finish(waits, &wakes).is_err());
}

#[tokio::test]
async fn c3_a_ready_join_handle_wins() {
    let scope = ROOT.with_cancel();
    let task = tokio::spawn(ready(7));
    yield_now().await;
    let waits = scope.run_until_cancelled(async {
        scope.cancel();
        task.await
    });
    assert_eq!(waits.await.unwrap().unwrap(), 7);
}
