//! G2: what starts, what waits for its turn, and what never starts.

use super::helpers::{Alive, Census, Count, Fault, ROOT, let_others_run};
use crate::support::HOUR;
use ctx::{Context, Group};
use std::{
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
};
use tokio::{
    task::yield_now,
    time::{sleep, timeout},
};

/// A task that must not start. What it holds is dropped unused.
fn add_forbidden(group: &mut Group<(), Fault>, started: &Count, held: Alive) {
    let started = started.clone();
    group.spawn(move |_| {
        let _held = held;
        started.up();
        async { Ok(()) }
    });
}

fn add_forbidden_blocking(group: &mut Group<(), Fault>, started: &Count, held: Alive) {
    let started = started.clone();
    group.spawn_blocking(move |_| {
        let _held = held;
        started.up();
        Ok(())
    });
}

#[tokio::test(start_paused = true)]
async fn g2_spawn_never_blocks() {
    let count = Count::default();
    let mut group = ROOT.group::<(), Fault>().limit(1);
    // There is no await in here, so nothing could make room.
    for _ in 0..100_000 {
        let count = count.clone();
        group.spawn(move |_| async move {
            count.up();
            Ok(())
        });
    }
    assert_eq!(count.get(), 0);
    assert_eq!(group.wait().await.unwrap().len(), 100_000);
    assert_eq!(count.get(), 100_000);
}

#[tokio::test(start_paused = true)]
async fn g2_no_more_run_at_once_than_the_limit_says() {
    for limit in [1, 2, 7] {
        let (running, most) = (Count::default(), Count::default());
        let mut group = ROOT.group::<(), Fault>().limit(limit);
        for n in 0..50_u32 {
            let (running, most) = (running.clone(), most.clone());
            let enter = move || {
                if running.up() > most.get() {
                    most.up();
                }
                running
            };
            if n % 5 == 4 {
                group.spawn_blocking(move |_| {
                    enter().down();
                    Ok(())
                });
            } else {
                group.spawn(move |_| async move {
                    let running = enter();
                    sleep(HOUR / (n % 3 + 1)).await;
                    running.down();
                    Ok(())
                });
            }
        }
        group.wait().await.unwrap();
        assert_eq!((running.get(), most.get()), (0, limit));
    }
}

#[tokio::test(start_paused = true)]
async fn g2_queued_tasks_start_in_order_and_without_anybody_who_waits() {
    let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut group = ROOT.group::<(), Fault>().limit(1);
    for n in 0..10 {
        let order = order.clone();
        group.spawn(move |_| async move {
            sleep(HOUR).await;
            order.lock().unwrap().push(n);
            Ok(())
        });
    }
    sleep(HOUR * 11).await;
    assert_eq!(*order.lock().unwrap(), (0..10).collect::<Vec<_>>());
    // One more finds the group idle, and starts by itself again.
    let late = order.clone();
    group.spawn(move |_| async move {
        late.lock().unwrap().push(10);
        Ok(())
    });
    let_others_run().await;
    assert_eq!(order.lock().unwrap().len(), 11);
    assert_eq!(group.wait().await.unwrap().len(), 11);
}

/// A group in which one task fails after an hour, with more behind it than it has room for.
fn crowded(ctx: &Context, started: &Count, census: &Census) -> Group<(), Fault> {
    let mut group = ctx.group().limit(2);
    group.spawn(|ctx| async move {
        ctx.done().await;
        sleep(HOUR).await;
        Ok(())
    });
    group.spawn(|ctx| async move {
        let late = ctx.run_until_cancelled(sleep(HOUR)).await;
        late.map_err(Fault::Stopped)?;
        Err(Fault::new("after an hour"))
    });
    for _ in 0..3 {
        add_forbidden(&mut group, started, census.alive());
        add_forbidden_blocking(&mut group, started, census.alive());
    }
    group
}

#[tokio::test(start_paused = true)]
async fn g2_nothing_new_starts_in_a_group_that_failed() {
    let (started, census) = (Count::default(), Census::default());
    let mut group = crowded(&ROOT, &started, &census);
    sleep(HOUR).await;
    let_others_run().await;
    assert_eq!(census.count(), 0, "what was queued is dropped at once");
    add_forbidden(&mut group, &started, census.alive());
    add_forbidden_blocking(&mut group, &started, census.alive());
    assert_eq!(census.count(), 0, "what comes too late is dropped at once");
    assert_eq!(group.wait().await.unwrap_err().to_string(), "after an hour");
    assert_eq!(started.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn g2_nothing_new_starts_where_the_context_above_has_ended() {
    let (started, census) = (Count::default(), Census::default());
    let ctx = ROOT.with_cancel();
    let mut group = crowded(&ctx, &started, &census);
    let_others_run().await;
    ctx.cancel_with("above");
    add_forbidden(&mut group, &started, census.alive());
    assert_eq!(census.count(), 0, "whoever comes finds what is queued, too");
    let stopped = group.wait().await.unwrap_err().stopped();
    assert_eq!(stopped.cause().unwrap().to_string(), "above");
    assert_eq!(started.get(), 0);

    // Of tasks that have a place, but were not polled before the end, nothing starts either.
    let ctx = ROOT.with_cancel();
    let mut group = ctx.group();
    add_forbidden(&mut group, &started, census.alive());
    add_forbidden_blocking(&mut group, &started, census.alive());
    ctx.cancel();
    group.wait().await.unwrap_err().stopped();
    assert_eq!((started.get(), census.count()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn g2_many_short_tasks_in_a_row_let_others_run() {
    let ctx = ROOT.with_cancel();
    let count = Count::default();
    let mut group = ctx.group::<(), Fault>().limit(1);
    for _ in 0..100_000 {
        let count = count.clone();
        group.spawn(move |_| async move {
            count.up();
            Ok(())
        });
    }
    while count.get() == 0 {
        yield_now().await;
    }
    assert!(count.get() < 1_000, "{count:?} of them before anybody else");
    ctx.cancel();
    group.wait().await.unwrap_err().stopped();
    assert!(count.get() < 1_000);
}

#[test]
#[should_panic(expected = "a group with a limit of 0 would never start a task")]
fn g2_a_limit_of_zero_is_refused() {
    drop(ROOT.group::<(), Fault>().limit(0));
}

#[tokio::test]
#[should_panic(expected = "the limit of a group is set before its first task")]
async fn g2_a_limit_over_tasks_is_refused() {
    let mut group = ROOT.group::<(), Fault>();
    group.spawn(|_| async { Ok(()) });
    drop(group.limit(1));
}

#[test]
fn g2_spawn_outside_a_runtime_panics_as_tokio_s_does_and_adds_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut group = ROOT.group::<u8, Fault>().limit(1);
    let (started, census) = (Count::default(), Census::default());
    let add = |group: &mut Group<u8, Fault>| {
        let (started, alive) = (started.clone(), census.alive());
        group.spawn(move |_| async move {
            let _alive = alive;
            started.up();
            Ok(7)
        });
    };
    let outside = catch_unwind(AssertUnwindSafe(|| add(&mut group))).unwrap_err();
    let text = outside.downcast::<String>().map(|it| *it);
    assert!(text.unwrap_or_default().contains("no reactor running"));
    assert_eq!(census.count(), 0);
    {
        let _inside = runtime.enter();
        add(&mut group);
        add(&mut group);
    }
    // `wait` needs no runtime of its own, but somebody must run the tasks.
    assert_eq!(runtime.block_on(group.wait()).unwrap(), [7, 7]);
}

#[tokio::test(start_paused = true)]
async fn g2_a_group_that_is_used_for_long_keeps_nothing_of_ended_tasks() {
    let census = Census::default();
    let mut group = ROOT.group::<(), Fault>();
    for _ in 0..100 {
        let alive = census.alive();
        group.spawn(move |_| async move {
            let _alive = alive;
            Ok(())
        });
        let_others_run().await;
        assert_eq!(census.count(), 0);
    }
    timeout(HOUR, pending::<()>()).await.unwrap_err();
    assert_eq!(
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks(),
        0
    );
    assert_eq!(group.wait().await.unwrap().len(), 100);
}
