//! Retries, budgets and rates.

use super::{
    app::{AppError, Remote},
    driver::{Run, survives},
};
use ctx::{Context, with_context};
use std::{cell::Cell, error::Error, fmt, time::Duration};
use tokio::{
    sync::Semaphore,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

/// Tries again, later each time, while the error is one that may pass.
#[with_context]
async fn retry<T>(
    attempts: u32,
    mut attempt: impl AsyncFnMut(&Context, u32) -> Result<T, AppError>,
) -> Result<T, AppError> {
    let mut pause = Duration::from_millis(4);
    for number in 1.. {
        match attempt(ctx, number).await {
            Err(error) if error.is_passing() && number < attempts => {
                sleep(pause).await;
                pause *= 2;
            }
            outcome => return outcome,
        }
    }
    unreachable!("the last attempt returns")
}

#[with_context]
async fn fetch_stubbornly(remote: &Remote) -> Result<u32, AppError> {
    retry(
        ctx,
        5,
        #[with_context]
        async |_: &Context, number| remote.flaky(number, 4).await,
    )
    .await
}

#[test]
fn a_passing_failure_is_tried_again() {
    survives(40, async |run: Run| {
        fetch_stubbornly(&run.ctx, &Remote::new(&run.live, 3)).await
    });
}

/// Each attempt has a budget of its own, which is no cancellation to the one around.
#[with_context]
async fn fetch_within(remotes: &[Remote], each: Duration) -> Result<u32, AppError> {
    for remote in remotes {
        let attempt = ctx.with_timeout(each);
        match attempt.run_until_cancelled(remote.call(3)).await {
            Ok(answer) => return Ok(answer),
            Err(late) => {
                ctx.check()?;
                assert!(late.is_deadline_exceeded());
            }
        }
    }
    Err(AppError::TooSlow)
}

#[test]
fn each_attempt_has_its_budget() {
    survives(30, async |run: Run| {
        let remotes = [40, 30, 9, 5].map(|millis| Remote::new(&run.live, millis));
        fetch_within(&run.ctx, &remotes, Duration::from_millis(10)).await
    });
}

/// Nothing has changed in time.
#[derive(Debug)]
struct Unchanged;

impl fmt::Display for Unchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing has changed in time")
    }
}

impl Error for Unchanged {}

/// Waits under a budget of its own, whose end it knows by the cause.
#[with_context]
async fn long_poll(changes: &Semaphore) -> Result<&'static str, AppError> {
    let budget = ctx.with_timeout_cause(Duration::from_millis(25), Unchanged);
    match next_change(&budget, changes).await {
        Ok(()) => Ok("changed"),
        Err(AppError::Stopped(end)) if end.cause_as::<Unchanged>().is_some() => Ok("unchanged"),
        Err(error) => Err(error),
    }
}

#[with_context]
async fn next_change(changes: &Semaphore) -> Result<(), AppError> {
    changes.acquire().await?.forget();
    Ok(())
}

#[test]
fn a_long_poll_ends_by_itself() {
    survives("unchanged", async |run: Run| {
        let changes = Semaphore::new(0);
        long_poll(&run.ctx, &changes).await
    });
    survives("changed", async |run: Run| {
        let changes = Semaphore::new(0);
        let change = async {
            sleep(Duration::from_millis(15)).await;
            changes.add_permits(1);
        };
        let (polled, ()) = tokio::join!(long_poll(&run.ctx, &changes), change);
        polled
    });
}

/// At most one call in a while, and at most two at a time.
#[with_context]
async fn at_a_rate(remote: &Remote, calls: u32, log: &Cell<u32>) -> Result<Duration, AppError> {
    let start = Instant::now();
    let slots = Semaphore::new(2);
    let mut ticks = interval(Duration::from_millis(5));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut open = Vec::new();
    for number in 0..calls {
        ticks.tick().await;
        let permit = slots.acquire().await?;
        log.set(log.get() + 1);
        open.push(async move {
            let _permit = permit;
            remote.call(number).await
        });
        if open.len() == 2 {
            futures::future::join_all(open.drain(..)).await;
        }
    }
    Ok(start.elapsed())
}

#[test]
fn calls_keep_to_their_rate() {
    survives(Duration::from_millis(66), async |run: Run| {
        let log = Cell::new(0);
        let result = at_a_rate(&run.ctx, &Remote::new(&run.live, 17), 6, &log).await;
        assert!(result.is_err() || log.get() == 6);
        result
    });
}
