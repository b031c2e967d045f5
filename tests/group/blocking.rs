//! Tasks on threads for blocking code.

use super::helpers::{Census, Count, Fault, ROOT};
use ctx::{TaskFailed, TaskPanicked};
use std::{sync::mpsc, thread};
use tokio::runtime::Builder;

#[tokio::test(start_paused = true)]
async fn g1_a_blocking_task_that_panics_is_resumed_too() {
    let mut group = ROOT.group::<(), Fault>();
    let (tell, told) = mpsc::channel();
    group.spawn_blocking(move |ctx| {
        tell.send(ctx.blocking_done()).unwrap();
        Ok(())
    });
    group.spawn_blocking(|_| panic!("on a thread"));
    let panic = tokio::spawn(group.wait()).await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref(), Some(&"on a thread"));
    let cancelled = told.recv().unwrap();
    let cause = cancelled.cause_as::<TaskPanicked>().unwrap();
    assert_eq!((cause.index, cause.message.as_str()), (1, "on a thread"));
}

/// The only thread of the runtime is busy, so whoever needed it to hear of the failure would hang.
#[tokio::test]
async fn g1_a_blocking_task_that_fails_cancels_on_its_own_thread() {
    let mut group = ROOT.group::<(), Fault>();
    let (go, going) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    group.spawn_blocking(move |_| {
        going.recv().unwrap();
        Err(Fault::new("on a thread"))
    });
    group.spawn(move |ctx| async move {
        go.send(()).unwrap();
        while !ctx.is_cancelled() {
            thread::yield_now();
        }
        tell.send(ctx.err().unwrap()).unwrap();
        Ok(())
    });
    assert_eq!(group.wait().await.unwrap_err().to_string(), "on a thread");
    let cancelled = told.recv().unwrap();
    assert_eq!(cancelled.cause_as::<TaskFailed>().unwrap().index, 0);
}

/// The runtime has one such thread, so the second task waits for it although the group has room.
#[test]
fn g2_a_blocking_task_that_waits_for_a_thread_is_skipped() {
    let runtime = Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let (started, census) = (Count::default(), Census::default());
    let error = runtime.block_on(async {
        let mut group = ROOT.group::<(), Fault>();
        let (go, going) = mpsc::channel();
        group.spawn_blocking(move |_| {
            going.recv().unwrap();
            Err(Fault::new("the only one"))
        });
        let (forbidden, alive) = (started.clone(), census.alive());
        group.spawn_blocking(move |_| {
            let _alive = alive;
            forbidden.up();
            Ok(())
        });
        group.spawn(move |_| async move {
            go.send(()).unwrap();
            Ok(())
        });
        group.wait().await.unwrap_err()
    });
    assert_eq!(error.to_string(), "the only one");
    assert_eq!((started.get(), census.count()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn g3_a_blocking_task_hears_that_its_group_was_dropped() {
    let mut group = ROOT.group::<(), Fault>();
    let (tell, told) = mpsc::channel();
    let (run, running) = tokio::sync::oneshot::channel();
    group.spawn_blocking(move |ctx| {
        run.send(()).unwrap();
        tell.send(ctx.blocking_done()).unwrap();
        Ok(())
    });
    running.await.unwrap();
    drop(group);
    assert_eq!(told.recv().unwrap().trigger(), ctx::Trigger::Dropped);
}

#[tokio::test(start_paused = true)]
async fn g4_wait_waits_for_blocking_tasks_when_the_context_above_ends() {
    let ctx = ROOT.with_cancel();
    let mut group = ctx.group::<u8, Fault>();
    let (run, running) = tokio::sync::oneshot::channel();
    let (go, going) = mpsc::channel();
    let census = Census::default();
    let alive = census.alive();
    group.spawn_blocking(move |ctx| {
        let _alive = alive;
        run.send(()).unwrap();
        going.recv().unwrap();
        assert!(ctx.is_cancelled());
        Ok(7)
    });
    running.await.unwrap();
    ctx.cancel();
    let wait = tokio::spawn(group.wait());
    super::helpers::let_others_run().await;
    assert!(!wait.is_finished());
    go.send(()).unwrap();
    assert_eq!(wait.await.unwrap().unwrap(), [7], "a result wins");
    assert_eq!(census.count(), 0);
}

/// A blocking task may outlive its runtime, its worker and even its group.
#[test]
fn g3_a_blocking_task_that_outlives_its_group_harms_nobody() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let (go, going) = mpsc::channel();
    let (run, running) = mpsc::channel();
    let census = Census::default();
    let mut group = ROOT.group::<_, Fault>();
    for fails in [false, true] {
        let (run, alive) = (run.clone(), census.alive());
        let (go, going) = mpsc::channel::<()>();
        let _inside = runtime.enter();
        group.spawn_blocking(move |_| {
            run.send(go).unwrap();
            let _ = going.recv();
            if fails {
                Err(Fault::new("late"))
            } else {
                Ok(alive)
            }
        });
    }
    runtime.block_on(super::helpers::let_others_run());
    let first = running.recv().unwrap();
    let second = running.recv().unwrap();
    runtime.shutdown_background();
    let lost = crate::support::Polled::new(group.wait()).ready();
    let cause = lost.err().unwrap().stopped().cause().unwrap().to_string();
    assert_eq!(cause, "the runtime of a task in the group has shut down");
    drop((first, second));
    while census.count() > 0 {
        thread::yield_now();
    }
    drop((go, going) as (mpsc::Sender<()>, _));
}
