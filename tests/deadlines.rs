//! D1 to D6: deadlines, and the clock that governs them.

use crate::support::{HOUR, Polled, asleep, cause, in_time, pass};
use ctx::{Context, Instant, Reason, Trigger};
use futures::executor;
use std::{future::Future, sync::mpsc, task::Poll, thread, time::Duration};
use tokio::{
    runtime::{Builder, Runtime},
    time::advance,
};

const MS: Duration = Duration::from_millis(1);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn d1_the_earlier_deadline_wins_and_the_parent_on_a_tie() {
    let parent = Context::background().with_timeout_cause(2 * HOUR, "parent");
    let earlier = parent.with_timeout_cause(HOUR, "child");
    let equal = parent.with_timeout_cause(2 * HOUR, "child");
    let later = parent.with_timeout_cause(3 * HOUR, "child");
    assert_eq!(earlier.deadline(), Some(Instant::now() + HOUR));
    assert_eq!([equal.deadline(), later.deadline()], [parent.deadline(); 2]);
    assert_eq!(later.remaining(), Some(2 * HOUR));
    advance(HOUR).await;
    assert_eq!(cause(&earlier), "child");
    assert!(!parent.is_cancelled() && !later.is_cancelled());
    advance(HOUR).await;
    for ctx in [&equal, &later] {
        assert_eq!(cause(ctx), "parent");
        assert_eq!(
            ctx.err().unwrap().cancelled_at(),
            parent.err().unwrap().cancelled_at()
        );
    }
    assert_eq!(cause(&earlier), "child");
    assert_eq!(later.remaining(), Some(Duration::ZERO));
}

#[test]
fn d1_a_child_with_a_later_deadline_keeps_its_own_scope() {
    let parent = Context::background().with_timeout(HOUR);
    let child = parent.with_timeout(2 * HOUR);
    assert!(child.cancel_with("child"));
    assert_eq!(cause(&child), "child");
    assert!(!parent.is_cancelled());
}

#[test]
fn d2_a_deadline_in_the_past_is_over_on_return() {
    let root = Context::background();
    let now = Instant::now();
    let past = now.checked_sub(HOUR).unwrap_or(now);
    for ctx in [
        root.with_deadline(past),
        root.with_deadline(now),
        root.with_timeout(Duration::ZERO),
        root.with_deadline_cause(past, "why"),
        root.with_timeout_cause(Duration::ZERO, "why"),
    ] {
        let cancelled = ctx.err().unwrap();
        assert_eq!(cancelled.reason(), Reason::DeadlineExceeded);
        assert_eq!(cancelled.trigger(), Trigger::Deadline);
        assert_eq!(ctx.remaining(), Some(Duration::ZERO));
        assert!(Polled::new(ctx.done()).poll().is_ready());
        assert!(!ctx.cancel(), "it had ended");
    }
}

#[test]
fn d2_the_longest_duration_is_no_deadline() {
    let root = Context::background();
    for ctx in [
        root.with_timeout(Duration::MAX),
        root.with_timeout_cause(Duration::MAX, "never"),
    ] {
        assert_eq!((ctx.deadline(), ctx.remaining()), (None, None));
        assert!(!ctx.is_cancelled());
        assert!(ctx.cancel());
    }
}

/// Around the last representable instant nothing may overflow, wherever it is waited for.
#[test]
fn d2_the_last_instants_can_be_waited_for() {
    let now = Instant::now();
    let mut reach = Duration::MAX;
    while now.checked_add(reach).is_none() {
        reach /= 2;
    }
    let mut step = reach;
    while step > Duration::ZERO {
        if let Some(further) = reach
            .checked_add(step)
            .filter(|it| now.checked_add(*it).is_some())
        {
            reach = further;
        } else {
            step /= 2;
        }
    }
    let wait = || {
        for ctx in [
            Context::background().with_deadline(now + reach),
            Context::background().with_timeout(reach / 2),
            Context::background().with_timeout(Duration::from_secs(1 << 40)),
        ] {
            assert!(!ctx.is_cancelled());
            let _waiting = Polled::pending(ctx.done());
            let _checkpoint =
                Polled::pending(ctx.run_until_cancelled(std::future::pending::<()>()));
            let hook = ctx.on_cancel(|_| ());
            assert!(format!("{ctx:?}").contains(" left, "));
            let (canceller, ctx) = (ctx.canceller(), ctx.clone());
            let parked = thread::spawn(move || ctx.blocking_done());
            assert!(canceller.cancel());
            assert_eq!(parked.join().unwrap().reason(), Reason::Cancelled);
            hook.stop();
        }
    };
    wait();
    runtime().block_on(async { wait() });
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(async { wait() });
}

/// Two hundred tries, as in the measurement of Go; and no timer runs at all, since nobody waits.
#[tokio::test(start_paused = true)]
async fn d3_reads_are_exact_though_no_timer_has_run() {
    for _ in 0..200 {
        let ctx = Context::background().with_timeout(10 * MS);
        let child = ctx.with_cancel();
        advance(9 * MS + Duration::from_nanos(999_999)).await;
        assert!(!ctx.is_cancelled() && child.err().is_none() && child.check().is_ok());
        advance(Duration::from_nanos(1)).await;
        assert!(child.is_cancelled() && ctx.err().is_some() && child.check().is_err());
    }
}

#[test]
fn d3_reads_are_exact_without_a_runtime() {
    let ctx = Context::background().with_timeout(2 * MS);
    let deadline = ctx.deadline().unwrap();
    while !ctx.is_cancelled() {
        assert!(Instant::now() <= deadline + HOUR);
    }
    assert!(Instant::now() >= deadline);
    let late = Context::background().with_timeout(2 * MS);
    let deadline = late.deadline().unwrap();
    while Instant::now() < deadline {
        thread::yield_now();
    }
    assert!(late.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn d4_a_runtime_s_timer_wakes_every_waiter() {
    let root = Context::background().with_timeout_cause(HOUR, "budget");
    let child = root.with_timeout(2 * HOUR);
    let shorter = root.with_timeout_cause(HOUR / 2, "shorter");
    let mut waiters = [
        Polled::pending(root.done()),
        Polled::pending(child.done()),
        Polled::pending(shorter.done()),
    ];
    let mut checkpoint = Polled::pending(child.run_until_cancelled(std::future::pending::<()>()));
    advance(HOUR / 2).await;
    assert_eq!(waiters.each_ref().map(Polled::woken), [0, 0, 1]);
    advance(HOUR / 2).await;
    assert_eq!(waiters.each_ref().map(Polled::woken), [1, 1, 1]);
    assert_eq!(checkpoint.woken(), 1);
    let heard = waiters
        .each_mut()
        .map(|it| it.ready().cause().unwrap().to_string());
    assert_eq!(heard, ["budget", "budget", "shorter"]);
    assert!(checkpoint.ready().unwrap_err().is_deadline_exceeded());
}

/// A sibling's wait must not hide this one's timeout, as it does in tokio-context 0.1.3.
#[tokio::test(start_paused = true)]
async fn d4_siblings_time_out_apart_from_each_other() {
    let root = Context::background().with_cancel();
    let contexts: Vec<_> = (1..=20).map(|n| root.with_timeout(n * MS)).collect();
    let waiters: Vec<_> = contexts
        .iter()
        .map(|it| Polled::pending(it.done()))
        .collect();
    for round in 1..=20 {
        advance(MS).await;
        assert_eq!(waiters.iter().map(Polled::woken).sum::<usize>(), round);
    }
}

#[test]
fn d4_outside_a_runtime_a_timer_thread_serves_any_executor() {
    let contexts: Vec<_> = [5, 3, 4, 1, 2]
        .map(|n| Context::background().with_timeout(n * MS))
        .into_iter()
        .collect();
    let all = futures::future::join_all(contexts.iter().map(|it| it.done()));
    let ended = executor::block_on(all);
    assert!(ended.iter().all(ctx::Cancelled::is_deadline_exceeded));
    let child = Context::background().with_timeout(2 * MS).detach();
    assert!(child.blocking_done().is_deadline_exceeded());
    let checkpoint = child.run_until_cancelled(std::future::pending::<()>());
    assert!(executor::block_on(checkpoint).is_err());
}

#[test]
fn d4_an_alarm_that_is_set_later_for_earlier_rings_first() {
    let long = Context::background().with_timeout(HOUR);
    let _waiting = Polled::pending(long.done());
    let short = Context::background().with_timeout(2 * MS);
    assert!(executor::block_on(short.done()).is_deadline_exceeded());
}

/// The driver of that runtime does not run meanwhile. The deadline is noticed all the same.
#[test]
fn d4_a_thread_that_parks_although_it_drives_a_runtime_is_ended_by_the_deadline() {
    runtime().block_on(async {
        let ctx = Context::background().with_timeout(2 * MS);
        assert!(ctx.blocking_done().is_deadline_exceeded());
    });
}

/// Parked threads are woken by a cancel too, not by their timer only.
#[test]
fn d4_blocking_done_hears_a_cancel() {
    for timeout in [HOUR, Duration::MAX] {
        let scope = Context::background().with_timeout(timeout);
        let ctx = scope.clone();
        let (ready, is_ready) = mpsc::channel();
        let parked = thread::spawn(move || {
            ready.send(()).unwrap();
            ctx.blocking_done()
        });
        is_ready.recv().unwrap();
        scope.cancel_with("enough");
        assert_eq!(
            parked.join().unwrap().cause().unwrap().to_string(),
            "enough"
        );
    }
}

#[test]
fn d4_a_runtime_without_time_is_needed_by_nobody_who_does_not_wait() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let ctx = Context::background().with_timeout(HOUR);
        let child = ctx.with_cancel().with_timeout(HOUR).detach();
        assert!(child.is_cancelled() && !ctx.is_cancelled() && ctx.remaining().is_some());
        let unbounded = Context::background().with_cancel();
        let mut waiter = Polled::pending(unbounded.done());
        drop(ctx.run_until_cancelled(std::future::ready(())));
        assert!(
            Polled::new(ctx.run_until_cancelled(async { 7 }))
                .ready()
                .is_ok()
        );
        unbounded.cancel();
        waiter.ready();
    });
}

#[test]
#[should_panic(expected = "timers are disabled")]
fn d4_a_runtime_without_time_panics_at_the_first_wait_for_a_deadline() {
    let ctx = Context::background().with_timeout(HOUR);
    Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(ctx.done());
}

#[tokio::test(start_paused = true)]
async fn d4_a_waiter_that_leaves_takes_its_timer_along() {
    let ctx = Context::background().with_timeout(HOUR);
    let mut waiter = Polled::pending(ctx.done_owned());
    let gone = Polled::pending(ctx.done_owned());
    drop(gone);
    // Time moves by itself where everybody sleeps, and only this sleep is left to be waited for.
    drop(std::mem::replace(
        &mut waiter,
        Polled::new(ctx.done_owned()),
    ));
    let before = Instant::now();
    tokio::time::sleep(2 * HOUR).await;
    assert_eq!(Instant::now() - before, 2 * HOUR);
    assert_eq!(waiter.woken(), 0);
    waiter.ready();
}

/// One sleep is a year at most, and the clock goes from one to the next.
#[tokio::test(start_paused = true)]
async fn d4_a_deadline_that_is_years_away_rings_then_and_not_before() {
    let years = 365 * 24 * HOUR * 5 / 2;
    let scope = Context::background().with_timeout(years);
    let start = Instant::now();
    assert!(scope.done().await.is_deadline_exceeded());
    let waited = start.elapsed();
    assert!(waited >= years && waited < years + HOUR, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn d5_the_paused_clock_governs_reads_and_waits() {
    let before = std::time::Instant::now();
    let ctx = Context::background().with_timeout(24 * HOUR);
    assert!(ctx.done().await.is_deadline_exceeded());
    let ctx = Context::background().with_timeout(24 * HOUR);
    let checkpoint = ctx.run_until_cancelled(std::future::pending::<()>());
    assert!(checkpoint.await.unwrap_err().is_deadline_exceeded());
    assert!(before.elapsed() < HOUR);
}

#[tokio::test(start_paused = true)]
async fn d5_the_paused_clock_governs_blocking_tasks_too() {
    let scope = Context::background().with_timeout(HOUR);
    let ctx = scope.clone();
    let (ready, is_ready) = mpsc::channel();
    let blocking = tokio::task::spawn_blocking(move || {
        ready.send(ctx.is_cancelled()).unwrap();
        (ctx.blocking_done(), ctx.is_cancelled())
    });
    assert!(!is_ready.recv().unwrap());
    advance(HOUR).await;
    let (cancelled, read) = blocking.await.unwrap();
    assert!(cancelled.is_deadline_exceeded() && read);
}

#[tokio::test(start_paused = true)]
async fn d6_time_decides_and_not_who_looked() {
    for look in [false, true] {
        let root = Context::background().with_cancel();
        let expired = root.with_timeout_cause(HOUR, "time");
        let below = expired.with_cancel();
        let unlinked = root.with_timeout_cause(HOUR, "time");
        advance(HOUR + MS).await;
        if look {
            assert!(below.is_cancelled() && unlinked.is_cancelled());
        }
        assert!(!expired.cancel_with("its own late call"));
        assert!(root.cancel_with("an ancestor's late call"));
        for ctx in [&expired, &below, &unlinked] {
            assert_eq!(cause(ctx), "time");
            assert_eq!(ctx.err().unwrap().reason(), Reason::DeadlineExceeded);
        }
        assert_eq!(cause(&root), "an ancestor's late call");
    }
}

#[tokio::test(start_paused = true)]
async fn d6_a_call_before_the_deadline_stays_what_ended_it() {
    let root = Context::background().with_cancel();
    let expiring = root.with_timeout_cause(HOUR, "time");
    let below = expiring.with_cancel();
    let merged = Context::background().merge(&expiring);
    root.cancel_with("call");
    advance(2 * HOUR).await;
    for ctx in [&expiring, &below, &merged] {
        assert_eq!(cause(ctx), "call");
    }
}

#[tokio::test(start_paused = true)]
async fn d6_a_late_drop_of_the_scope_does_not_hide_the_deadline() {
    let scope = Context::background().with_timeout_cause(HOUR, "time");
    let (ctx, below) = (scope.clone(), scope.with_cancel());
    advance(HOUR).await;
    drop(scope);
    assert_eq!((cause(&ctx), cause(&below)), ("time".into(), "time".into()));
    assert_eq!(ctx.err().unwrap().trigger(), Trigger::Deadline);
}

/// The waiter's own timer is not let run, so that it is the late cancel which wakes it.
#[test]
fn d6_a_late_cancel_wakes_the_waiters_all_the_same() {
    let sleeping = asleep();
    let _inside = sleeping.enter();
    let scope = Context::background().with_timeout(HOUR);
    let below = scope.with_cancel();
    let mut waiter = Polled::pending(below.done());
    pass(HOUR);
    assert!(below.is_cancelled(), "a read wakes nobody");
    assert_eq!(waiter.woken(), 0);
    assert!(!scope.cancel());
    assert_eq!(waiter.woken(), 1);
    let Poll::Ready(cancelled) = waiter.poll() else {
        panic!("it has ended");
    };
    assert!(cancelled.is_deadline_exceeded());
}

/// A future that moves between executors keeps being woken at its deadline, by whoever has a clock there.
#[test]
fn d4_a_waiter_may_move_between_runtimes() {
    let (ctx, mut waiter) = in_time(|time| {
        let ctx = Context::background().with_timeout(time);
        let mut waiter = Polled::new(ctx.done_owned());
        let runtimes = [runtime(), runtime()];
        let mut is_pending = runtimes
            .iter()
            .all(|it| it.block_on(async { waiter.poll().is_pending() }));
        drop(runtimes);
        is_pending = is_pending && waiter.poll().is_pending();
        is_pending.then_some((ctx, waiter))
    });
    let mut moved = Box::pin(ctx.done_owned());
    let cancelled = executor::block_on(std::future::poll_fn(|cx| moved.as_mut().poll(cx)));
    assert!(cancelled.is_deadline_exceeded());
    waiter.ready();
}
