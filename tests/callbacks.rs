//! O1 to O3: `on_cancel`.

use crate::support::{HOUR, Polled};
use ctx::{Context, Reason, Trigger};
use std::{
    sync::{
        Arc, Barrier, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};
use tokio::{
    runtime::{Builder, Handle},
    task::yield_now,
    time::advance,
};

/// Lets the tasks of this current-thread runtime run.
async fn let_others_run() {
    for _ in 0..50 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn o1_a_callback_runs_exactly_once_after_the_end() {
    let root = Context::background().with_cancel();
    let scope = root.with_value(&NOTHING, ()).with_cancel();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    let ctx = scope.clone();
    let hook = scope.on_cancel(move |cancelled| {
        assert!(ctx.is_cancelled());
        log.lock()
            .unwrap()
            .push(cancelled.cause().unwrap().to_string());
    });
    let_others_run().await;
    assert!(heard.lock().unwrap().is_empty());
    root.cancel_with("why");
    scope.cancel();
    let_others_run().await;
    assert_eq!(*heard.lock().unwrap(), ["why"]);
    assert!(!hook.stop());
    let_others_run().await;
    assert_eq!(heard.lock().unwrap().len(), 1);
}

ctx::ctx_value! { NOTHING: (); }

#[tokio::test(start_paused = true)]
async fn o1_it_runs_at_once_where_the_context_has_ended() {
    let born_late = Context::background().with_timeout(Duration::ZERO);
    let parent = Context::background().with_cancel();
    let unlinked = parent.with_cancel();
    parent.cancel();
    for ctx in [&born_late, &parent, &unlinked] {
        let (tell, told) = mpsc::channel();
        ctx.on_cancel(move |cancelled| tell.send(cancelled.reason()).unwrap())
            .detach();
        let_others_run().await;
        assert_eq!(told.try_recv().unwrap(), ctx.err().unwrap().reason());
    }
}

/// There is nothing left to wait for.
#[test]
fn o1_it_runs_at_once_where_the_context_has_ended_in_a_runtime_without_timers() {
    let expired = Context::background().with_timeout(Duration::ZERO);
    let cancelled = Context::background().with_timeout(HOUR);
    cancelled.cancel();
    let runtime = Builder::new_current_thread().build().unwrap();
    for ctx in [&expired, &cancelled] {
        let (tell, told) = mpsc::channel();
        runtime.block_on(async {
            let hook = ctx.on_cancel(move |cancelled| tell.send(cancelled.reason()).unwrap());
            let_others_run().await;
            assert!(!hook.stop());
        });
        assert_eq!(told.try_recv().unwrap(), ctx.err().unwrap().reason());
    }
}

#[tokio::test(start_paused = true)]
async fn o1_of_many_hooks_those_run_that_were_not_stopped() {
    let scope = Context::background().with_cancel();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hook = |number| {
        let heard = Arc::clone(&heard);
        scope.on_cancel(move |_| heard.lock().unwrap().push(number))
    };
    let mut hooks: Vec<_> = (0..60).map(hook).map(Some).collect();
    for stopped in (0..60).rev().step_by(7).chain((0..60).step_by(7)) {
        assert!(hooks[stopped].take().unwrap().stop());
    }
    let left: Vec<_> = (0..60).filter(|it| hooks[*it].is_some()).collect();
    scope.cancel();
    let_others_run().await;
    let_others_run().await;
    assert_eq!(*heard.lock().unwrap(), left);
}

#[tokio::test(start_paused = true)]
async fn o1_a_stopped_or_dropped_hook_never_runs() {
    let scope = Context::background().with_timeout(HOUR);
    let runs = Arc::new(AtomicUsize::new(0));
    let count = || {
        let runs = Arc::clone(&runs);
        move |_| {
            runs.fetch_add(1, Ordering::SeqCst);
        }
    };
    assert!(scope.on_cancel(count()).stop());
    drop(scope.on_cancel(count()));
    let kept = scope.on_cancel(count());
    let ended_by_time = scope.on_cancel(count());
    advance(HOUR).await;
    // Between the end and the run it can still be stopped.
    assert!(!scope.cancel());
    let_others_run().await;
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert!(!kept.stop());
    drop(ended_by_time);
    assert!(Context::background().on_cancel(count()).stop());
    Context::background().on_cancel(count()).detach();
    let hook = scope.on_cancel(count());
    assert!(hook.stop(), "it had no chance to run");
    let_others_run().await;
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

/// Two hundred races: either the callback ran or `stop` says true, and never both.
#[test]
fn o1_of_stop_and_run_exactly_one_wins() {
    for _ in 0..200 {
        let scope = Context::background().with_cancel();
        let (tell, told) = mpsc::channel();
        let hook = scope.on_cancel(move |_| tell.send(()).unwrap());
        let start = Barrier::new(2);
        let stopped = thread::scope(|threads| {
            threads.spawn(|| {
                start.wait();
                scope.cancel();
            });
            start.wait();
            hook.stop()
        });
        // The sender goes with the callback, run or stopped; so this waits for either.
        assert_eq!(told.recv().is_err(), stopped);
    }
}

#[tokio::test(start_paused = true)]
async fn o1_a_pending_callback_keeps_its_context_alive() {
    let (tell, told) = mpsc::channel();
    let ctx = Context::background()
        .with_timeout(HOUR)
        .detach()
        .with_cancel()
        .detach();
    ctx.on_cancel(move |cancelled| tell.send(cancelled.trigger()).unwrap())
        .detach();
    drop(ctx);
    advance(HOUR).await;
    let_others_run().await;
    assert_eq!(told.try_recv().unwrap(), Trigger::Deadline);
    assert!(told.try_recv().is_err());
}

/// What was captured tells whether anything is left; and nothing keeps the context either.
#[tokio::test(start_paused = true)]
async fn o2_stop_and_drop_leave_nothing_behind() {
    ctx::ctx_value! { HELD: Arc<()>; }
    let held = Arc::new(());
    let weak: Weak<()> = Arc::downgrade(&held);
    let ctx = Context::background()
        .with_value(&HELD, held)
        .with_timeout(HOUR)
        .detach();
    let captured = Arc::new(());
    let hooks: Vec<_> = (0..3)
        .map(|_| {
            let captured = Arc::clone(&captured);
            ctx.on_cancel(move |_| drop(captured))
        })
        .collect();
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    for (index, hook) in hooks.into_iter().enumerate() {
        if index == 1 {
            drop(hook);
        } else {
            assert!(hook.stop());
        }
    }
    assert_eq!(Arc::strong_count(&captured), 1);
    drop(ctx);
    assert!(weak.upgrade().is_none());
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}

/// With nothing to wait for, a paused clock jumps to the next timer: one left behind would be met.
#[tokio::test(start_paused = true)]
async fn o2_stop_takes_the_timer_along() {
    let ctx = Context::background().with_timeout(HOUR);
    assert!(ctx.on_cancel(|_| ()).stop());
    let before = ctx::Instant::now();
    let far = Context::background().with_timeout(2 * HOUR);
    far.done().await;
    assert_eq!(before.elapsed(), 2 * HOUR);
    assert!(ctx.is_cancelled());
}

/// On the runtime's only thread: were it run by `cancel`, it would wait there for itself.
#[tokio::test(start_paused = true)]
async fn o2_it_never_runs_on_the_canceller_s_stack() {
    let scope = Context::background().with_cancel();
    let (release, released) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    scope
        .on_cancel(move |_| {
            released.recv().unwrap();
            tell.send(thread::current().id()).unwrap();
        })
        .detach();
    assert!(scope.cancel());
    assert!(told.try_recv().is_err());
    release.send(()).unwrap();
    let_others_run().await;
    assert_eq!(
        told.try_recv().unwrap(),
        thread::current().id(),
        "on a task of the runtime"
    );
}

#[test]
fn o2_outside_a_runtime_it_has_a_thread_of_its_own() {
    for ended in [false, true] {
        let scope = Context::background().with_cancel();
        if ended {
            scope.cancel();
        }
        let (release, released) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        scope
            .on_cancel(move |_| {
                released.recv().unwrap();
                tell.send(thread::current().id()).unwrap();
            })
            .detach();
        scope.cancel();
        release.send(()).unwrap();
        assert_ne!(told.recv().unwrap(), thread::current().id());
    }
    let (tell, told) = mpsc::channel();
    let timed = Context::background()
        .with_timeout(Duration::from_millis(2))
        .detach();
    timed
        .on_cancel(move |cancelled| tell.send(cancelled.reason()).unwrap())
        .detach();
    drop(timed);
    assert_eq!(told.recv().unwrap(), Reason::DeadlineExceeded);
}

#[test]
fn o2_it_runs_on_the_runtime_of_its_registration() {
    let home = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("home")
        .build()
        .unwrap();
    let scope = Context::background().with_cancel();
    let (tell, told) = mpsc::channel();
    let hook = {
        let _inside = home.enter();
        scope.on_cancel(move |_| {
            tell.send(thread::current().name().map(str::to_owned))
                .unwrap();
        })
    };
    scope.cancel();
    assert_eq!(told.recv().unwrap().as_deref(), Some("home"));
    drop(hook);
}

#[test]
fn o3_callbacks_run_one_after_another_in_order_and_a_panic_stops_none() {
    let multi = Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let scope = Context::background().with_cancel();
    let (tell, told) = mpsc::channel();
    let at_work = Arc::new(Mutex::new(()));
    {
        let _inside = multi.enter();
        for n in 0..50 {
            let (tell, at_work) = (tell.clone(), Arc::clone(&at_work));
            let run = move |_| {
                let alone = at_work.try_lock().is_ok_and(|_guard| {
                    tell.send(n).unwrap();
                    true
                });
                assert!(alone && n % 7 != 3, "a callback's own panic");
            };
            scope.on_cancel(run).detach();
        }
    }
    drop(tell);
    scope.cancel();
    assert_eq!(told.iter().collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
}

#[test]
fn o3_holds_for_threads_too_and_for_what_is_registered_meanwhile() {
    let scope = Context::background().with_cancel();
    let (tell, told) = mpsc::channel();
    for n in 0..10 {
        let (tell, ctx) = (tell.clone(), scope.clone());
        let run = move |_| {
            tell.send(n).unwrap();
            let later = tell.clone();
            ctx.on_cancel(move |_| later.send(n + 10).unwrap()).detach();
            assert!(n != 4, "a callback's own panic");
        };
        scope.on_cancel(run).detach();
    }
    drop(tell);
    let mut waiter = Polled::pending(scope.done());
    scope.cancel();
    assert_eq!(told.iter().collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    waiter.ready();
}

/// One runtime that is stuck holds up its own callbacks only.
#[test]
fn o3_runtimes_do_not_wait_for_each_other() {
    let idle = Builder::new_current_thread().build().unwrap();
    let scope = Context::background().with_cancel();
    let (tell, told) = mpsc::channel();
    let first = tell.clone();
    {
        let _inside = idle.enter();
        scope
            .on_cancel(move |_| first.send("idle").unwrap())
            .detach();
    }
    scope
        .on_cancel(move |_| tell.send("thread").unwrap())
        .detach();
    scope.cancel();
    assert_eq!(told.recv().unwrap(), "thread");
    idle.block_on(let_others_run());
    assert_eq!(told.recv().unwrap(), "idle");
}
