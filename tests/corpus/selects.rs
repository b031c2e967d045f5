//! Loops around `select!`, and what they leave behind.

use super::{
    app::{AppError, Remote},
    driver::{Run, survives},
};
use ctx::{Context, with_context};
use std::{cell::RefCell, pin::pin, time::Duration};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::{Instant, interval, sleep, sleep_until},
};

const TICK: Duration = Duration::from_millis(10);

/// Rows that were collected, and rows that have been stored.
#[derive(Default)]
struct Batches {
    open: Vec<u32>,
    stored: RefCell<Vec<Vec<u32>>>,
}

impl Batches {
    async fn store(&mut self) {
        let batch = std::mem::take(&mut self.open);
        if !batch.is_empty() {
            sleep(Duration::from_millis(3)).await;
            self.stored.borrow_mut().push(batch);
        }
    }
}

/// Stores a batch when it is full and when it is old.
#[with_context]
async fn collect(rows: &mut mpsc::Receiver<u32>, batches: &mut Batches) -> Result<(), AppError> {
    let mut ticks = interval(TICK);
    loop {
        tokio::select! {
            row = rows.recv() => match row {
                Some(row) => batches.open.push(row),
                None => return Ok(()),
            },
            _ = ticks.tick() => {
                #[shield]
                batches.store().await;
            }
        }
        if batches.open.len() == 4 {
            #[shield]
            batches.store().await;
        }
    }
}

/// What was collected is stored, also when the context has ended.
#[with_context]
async fn batch(mut rows: mpsc::Receiver<u32>, batches: &mut Batches) -> Result<(), AppError> {
    let collected = collect(ctx, &mut rows, batches).await;
    #[shield]
    batches.store().await;
    collected
}

#[test]
fn a_batcher_stores_all_that_it_took() {
    survives((), async |run: Run| {
        let (send, rows) = mpsc::channel(1);
        let sender = tokio::spawn(async move {
            for row in 0..13 {
                sleep(Duration::from_millis(u64::from(row % 4) * 3)).await;
                if send.send(row).await.is_err() {
                    return row;
                }
            }
            13
        });
        let mut batches = Batches::default();
        let result = batch(&run.ctx, rows, &mut batches).await;
        let stored = batches.stored.into_inner().concat();
        let taken = u32::try_from(stored.len()).expect("a few");
        assert_eq!(stored, (0..taken).collect::<Vec<_>>());
        // One row may be in the channel, and lost with it.
        assert!(sender.await? - taken <= 1);
        result
    });
}

/// Ends when nobody has said anything for a while.
#[with_context]
async fn until_idle(beats: &mut mpsc::Receiver<()>) -> Result<u32, AppError> {
    let mut idle = pin!(sleep(TICK));
    let mut heard = 0;
    loop {
        tokio::select! {
            biased;
            Some(()) = beats.recv() => {
                heard += 1;
                idle.as_mut().reset(Instant::now() + TICK);
            }
            () = &mut idle => return Ok(heard),
        }
    }
}

#[test]
fn a_watchdog_waits_for_silence() {
    survives(5, async |run: Run| {
        let (beat, mut beats) = mpsc::channel(1);
        let ctx = run.ctx.clone();
        tokio::spawn(async move {
            for pause in [1, 5, 9, 9, 2, 11, 3] {
                sleep(Duration::from_millis(pause)).await;
                if beat.send(()).await.is_err() {
                    return;
                }
            }
            drop(ctx);
        });
        until_idle(&run.ctx, &mut beats).await
    });
}

/// Asks a second replica when the first is slow, and takes the answer that comes first.
#[with_context]
async fn hedged(first: &Remote, second: &Remote, patience: Duration) -> Result<u32, AppError> {
    let mut slow = pin!(first.call(1));
    tokio::select! {
        answer = &mut slow => return Ok(answer),
        () = sleep(patience) => {}
    }
    let answer = tokio::select! {
        answer = &mut slow => answer,
        answer = second.call(2) => answer,
    };
    Ok(answer)
}

#[test]
fn a_hedged_call_takes_the_first_answer() {
    for (first, second, expected) in [(3, 50, 10), (40, 10, 20), (20, 30, 10)] {
        survives(expected, async |run: Run| {
            let first = Remote::new(&run.live, first);
            let second = Remote::new(&run.live, second);
            hedged(&run.ctx, &first, &second, TICK).await
        });
    }
}

/// Follows a feed under settings that may change, until either is closed. Its own end is no error to it,
/// so it looks for that by itself.
#[with_context(checkpoints = none)]
async fn follow(
    mut feed: broadcast::Receiver<u32>,
    mut factor: watch::Receiver<u32>,
) -> (u32, &'static str) {
    let mut sum = 0;
    let mut current = *factor.borrow_and_update();
    loop {
        tokio::select! {
            _ = ctx.done() => return (sum, "stopped"),
            changed = factor.changed() => match changed {
                Ok(()) => current = *factor.borrow_and_update(),
                Err(_) => return (sum, "no settings"),
            },
            news = feed.recv() => match news {
                Ok(value) => sum += value * current,
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return (sum, "no feed"),
            },
        }
    }
}

#[test]
fn a_follower_stops_without_an_error() {
    survives((), async |run: Run| {
        let (news, feed) = broadcast::channel(2);
        let (settings, factor) = watch::channel(1);
        tokio::spawn(async move {
            for value in 1..=4 {
                sleep(TICK).await;
                let _ = news.send(value);
                sleep(TICK).await;
                settings.send_replace(value);
            }
            sleep(TICK).await;
            drop(news);
            sleep(TICK).await;
        });
        let (sum, why) = follow(&run.ctx, feed, factor).await;
        if run.ctx.is_cancelled() {
            assert!([0, 1, 3, 9, 21].contains(&sum));
        } else {
            assert_eq!((sum, why), (1 + 2 + 2 * 3 + 3 * 4, "no feed"));
        }
        Ok(())
    });
}

/// Runs jobs in their order and at their times, and takes new ones meanwhile.
#[with_context]
async fn schedule(mut jobs: mpsc::Receiver<(Instant, u32)>) -> Result<Vec<u32>, AppError> {
    let mut waiting: Vec<(Instant, u32)> = Vec::new();
    let (mut done, mut open) = (Vec::new(), true);
    while open || !waiting.is_empty() {
        let next = waiting.first().map(|(at, _)| *at);
        tokio::select! {
            biased;
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                done.push(waiting.remove(0).1);
            }
            job = jobs.recv(), if open => match job {
                Some(job) => {
                    let place = waiting.partition_point(|(at, _)| *at <= job.0);
                    waiting.insert(place, job);
                }
                None => open = false,
            },
            else => break,
        }
    }
    Ok(done)
}

#[test]
fn a_scheduler_runs_jobs_in_time() {
    survives(vec![2, 1, 4, 3], async |run: Run| {
        let (send, jobs) = mpsc::channel(8);
        let start = Instant::now();
        let at = move |millis| start + Duration::from_millis(millis);
        tokio::spawn(async move {
            let _ = send.send((at(20), 1)).await;
            let _ = send.send((at(10), 2)).await;
            sleep(Duration::from_millis(15)).await;
            let _ = send.send((at(40), 3)).await;
            let _ = send.send((at(30), 4)).await;
        });
        schedule(&run.ctx, jobs).await
    });
}

/// Two named things at once, the first of which decides.
#[with_context]
async fn watch_over(
    work: impl Future<Output = u32>,
    alarms: &mut mpsc::Receiver<&str>,
) -> Result<u32, AppError> {
    let ctx: &Context = &ctx.with_timeout(Duration::from_secs(5));
    let mut work = pin!(work);
    loop {
        tokio::select! {
            value = &mut work => return Ok(value),
            Some(alarm) = alarms.recv() => {
                ctx.check()?;
                if alarm == "fire" {
                    return Err(AppError::Failed(alarm.to_owned()));
                }
            }
        }
    }
}

#[test]
fn work_goes_on_under_false_alarms() {
    survives(70, async |run: Run| {
        let (ring, mut alarms) = mpsc::channel(4);
        tokio::spawn(async move {
            for _ in 0..3 {
                sleep(TICK).await;
                let _ = ring.send("test").await;
            }
        });
        let remote = Remote::new(&run.live, 45);
        watch_over(&run.ctx, remote.call(7), &mut alarms).await
    });
}
