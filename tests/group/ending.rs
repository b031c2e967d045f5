//! G3: what a group that is dropped leaves behind.

use super::helpers::{Census, Count, Fault, ROOT, let_others_run};
use crate::support::{HOUR, Polled};
use ctx::{Cancelled, Context, Group, Trigger, with_context};
use std::{
    future::pending,
    pin::pin,
    sync::{Arc, Mutex},
};
use tokio::{
    runtime::{Builder, Handle},
    task::yield_now,
    time::sleep,
};

/// A group of two tasks at work and two in the queue, which are all counted.
async fn busy(census: &Census) -> Group<(), Fault> {
    let mut group = ROOT.group().limit(2);
    for _ in 0..4 {
        let alive = census.alive();
        group.spawn(move |_| async move {
            let _alive = alive;
            pending().await
        });
    }
    let_others_run().await;
    assert_eq!(census.count(), 4);
    group
}

#[tokio::test(start_paused = true)]
async fn g3_dropping_a_group_leaves_no_task_and_no_queue() {
    let census = Census::default();
    let group = busy(&census).await;
    drop(group);
    assert_eq!(census.count(), 2, "the queue goes at once");
    let_others_run().await;
    assert_eq!(census.count(), 0);
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn g3_dropping_the_wait_does_the_same() {
    let census = Census::default();
    for polled in [false, true] {
        let mut wait = Box::pin(busy(&census).await.wait());
        if polled {
            tokio::select! {
                biased;
                _ = &mut wait => unreachable!("its tasks never end"),
                () = yield_now() => {}
            }
        }
        drop(wait);
        let_others_run().await;
        assert_eq!(census.count(), 0);
    }
}

#[with_context(owned)]
async fn commits(begun: Count, committed: Count) -> Result<(), Fault> {
    begun.up();
    #[shield]
    sleep(HOUR).await;
    committed.up();
    Ok(())
}

/// A shield holds checkpoints back, and no abort. One that is waited for under a shield is finished.
#[tokio::test(start_paused = true)]
async fn g3_a_group_that_is_dropped_aborts_its_tasks_in_their_shields_too() {
    for waited in [false, true] {
        let (begun, committed) = (Count::default(), Count::default());
        let ctx = ROOT.with_cancel();
        let mut group = ctx.group::<(), Fault>();
        let task = (begun.clone(), committed.clone());
        group.spawn(move |ctx: Context| commits(ctx, task.0, task.1));
        let_others_run().await;
        ctx.cancel();
        if waited {
            group.wait().await.unwrap();
        } else {
            drop(group);
            sleep(2 * HOUR).await;
        }
        assert_eq!((begun.get(), committed.get()), (1, usize::from(waited)));
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn g3_what_the_tasks_handed_out_ends_with_the_group() {
    for waited in [false, true] {
        let lent = Arc::new(Mutex::new(None));
        let mut group = ROOT.group::<(), Fault>();
        let place = Arc::clone(&lent);
        group.spawn(move |ctx| async move {
            *place.lock().unwrap() = Some(ctx);
            Ok(())
        });
        let_others_run().await;
        let ctx = lent.lock().unwrap().take().unwrap();
        assert!(!ctx.is_cancelled());
        if waited {
            group.wait().await.unwrap();
        } else {
            drop(group);
        }
        assert_eq!(ctx.err().unwrap().trigger(), Trigger::Dropped);
    }
}

/// The context that made the group is the caller's own, and no other name hides it.
#[tokio::test(start_paused = true)]
async fn errgroup_the_context_that_made_a_group_lives_on_after_wait() {
    let ctx = ROOT.with_cancel();
    for fails in [false, true] {
        let mut group = ctx.group::<(), Fault>();
        group.spawn(move |_| async move {
            if fails {
                Err(Fault::new("own"))
            } else {
                Ok(())
            }
        });
        assert_eq!(group.wait().await.is_err(), fails);
        assert!(!ctx.is_cancelled());
    }
}

/// No task is polled once more after the drop, though the drop wakes it.
#[tokio::test(start_paused = true)]
async fn g3_an_aborted_task_is_not_polled_again() {
    let heard = Count::default();
    let mut group = ROOT.group::<(), Fault>();
    let told = heard.clone();
    group.spawn(move |ctx| async move {
        ctx.done().await;
        told.up();
        Ok(())
    });
    let_others_run().await;
    drop(group);
    let_others_run().await;
    assert_eq!(heard.get(), 0);
}

/// Dropped where tasks are at work on other threads, and where they end at the same moment.
#[test]
fn g3_no_task_outlives_a_group_that_is_dropped_at_any_moment() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        for round in 0..200 {
            let census = Census::default();
            let mut group = ROOT.group::<(), Fault>().limit(3);
            for _ in 0..30 {
                let alive = census.alive();
                group.spawn(move |_| async move {
                    let _alive = alive;
                    yield_now().await;
                    Ok(())
                });
            }
            for _ in 0..round % 20 {
                yield_now().await;
            }
            drop(group);
            while census.count() > 0 {
                yield_now().await;
            }
        }
    });
}

#[test]
fn g3_a_runtime_that_shuts_down_ends_the_group_with_an_error() {
    let (home, elsewhere) = (
        Builder::new_current_thread().build().unwrap(),
        Builder::new_current_thread().build().unwrap(),
    );
    let census = Census::default();
    let mut group = ROOT.group::<(), Fault>().limit(2);
    let heard: Arc<Mutex<Option<Cancelled>>> = Arc::default();
    let told = Arc::clone(&heard);
    {
        let _inside = elsewhere.enter();
        group.spawn(move |ctx| async move {
            *told.lock().unwrap() = Some(ctx.done().await);
            Ok(())
        });
    }
    let line = line!() + 5;
    {
        let _inside = home.enter();
        for _ in 0..3 {
            let alive = census.alive();
            group.spawn(move |_| async move {
                let _alive = alive;
                pending().await
            });
        }
    }
    elsewhere.block_on(let_others_run());
    home.block_on(let_others_run());
    let mut wait = Polled::pending(group.wait());
    drop(home);
    assert_eq!(census.count(), 0);
    elsewhere.block_on(let_others_run());
    let stopped = wait.ready().unwrap_err().stopped();
    let heard = heard.lock().unwrap().take().expect("the others hear of it");
    for cancelled in [stopped, heard] {
        assert_eq!(
            cancelled.cause().unwrap().to_string(),
            "the runtime of a task in the group has shut down"
        );
        assert_eq!(cancelled.cancelled_at().line(), line);
    }
}

#[tokio::test(start_paused = true)]
async fn g3_a_wait_in_a_lost_branch_can_be_kept() {
    let mut group = ROOT.group::<u8, Fault>();
    group.spawn(|_| async {
        sleep(HOUR * 5 / 2).await;
        Ok(7)
    });
    let mut wait = pin!(group.wait());
    let mut hours = 0;
    let results = loop {
        tokio::select! {
            biased;
            results = &mut wait => break results,
            () = sleep(HOUR) => hours += 1,
        }
    };
    assert_eq!((results.unwrap(), hours), (vec![7], 2));
}
