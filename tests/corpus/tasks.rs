//! Work that is divided: task sets, joins, blocking threads.

use super::{
    app::{AppError, Remote},
    driver::{Guard, Live, Run, survives},
};
use ctx::{Cancelled, Context, with_context};
use futures::{
    StreamExt,
    future::{join_all, try_join_all},
    stream::FuturesUnordered,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::{JoinSet, spawn_blocking},
    time::sleep,
};

#[with_context(owned)]
async fn fetch(remote: Remote, part: u32) -> Result<u32, AppError> {
    let answer = remote.call(part).await;
    Ok(answer + 1)
}

/// One task for each part; the first error ends the others.
#[with_context]
async fn fan_out(remote: &Remote, parts: u32) -> Result<u32, AppError> {
    let scope = ctx.with_cancel();
    let mut tasks = JoinSet::new();
    for part in 0..parts {
        tasks.spawn(fetch(scope.clone(), remote.clone(), part));
    }
    let mut sum = 0;
    while let Some(answer) = tasks.join_next().await {
        sum += answer??;
    }
    Ok(sum)
}

#[test]
fn a_task_set_is_joined() {
    survives(105, async |run: Run| {
        fan_out(&run.ctx, &Remote::new(&run.live, 5), 5).await
    });
}

/// The same with few at a time; it waits for those that run, however it ends.
#[with_context]
async fn few_at_a_time(remote: &Remote, parts: u32, limit: usize) -> Result<Vec<u32>, AppError> {
    let permits = Arc::new(Semaphore::new(limit));
    let mut tasks = JoinSet::new();
    let started = start_all(ctx, remote, parts, &permits, &mut tasks).await;
    let mut answers = Vec::new();
    #[shield]
    while let Some(answer) = tasks.join_next().await {
        answers.push(answer?);
    }
    assert_eq!(permits.available_permits(), limit);
    started?;
    let mut answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    answers.sort_unstable();
    Ok(answers)
}

#[with_context]
async fn start_all(
    remote: &Remote,
    parts: u32,
    permits: &Arc<Semaphore>,
    tasks: &mut JoinSet<Result<u32, AppError>>,
) -> Result<(), AppError> {
    for part in 0..parts {
        let permit = Arc::clone(permits).acquire_owned().await?;
        let fetching = fetch(ctx.clone(), remote.clone(), part);
        tasks.spawn(async move {
            let _permit = permit;
            fetching.await
        });
    }
    Ok(())
}

#[test]
fn a_limited_task_set_gives_its_permits_back() {
    survives(vec![1, 11, 21, 31, 41, 51], async |run: Run| {
        few_at_a_time(&run.ctx, &Remote::new(&run.live, 5), 6, 2).await
    });
}

#[with_context]
async fn probe(remote: &Remote, name: u32) -> Result<bool, AppError> {
    Ok(remote.call(name).await > 10)
}

/// All health checks at once, each with its own budget.
#[with_context]
async fn health(remotes: &[Remote]) -> Result<Vec<bool>, AppError> {
    let probes = remotes.iter().zip(1..).map(|(remote, name)| async move {
        let ctx = ctx.with_timeout(Duration::from_millis(30));
        probe(&ctx, remote, name).await
    });
    let mut healthy = Vec::new();
    for probed in join_all(probes).await {
        healthy.push(match probed {
            Ok(healthy) => healthy,
            Err(AppError::Stopped(late)) if late.is_deadline_exceeded() => false,
            Err(error) => return Err(error),
        });
    }
    ctx.check()?;
    Ok(healthy)
}

#[test]
fn health_is_probed_at_once() {
    survives(vec![false, true, false, true], async |run: Run| {
        let remotes = [5, 20, 200, 10].map(|millis| Remote::new(&run.live, millis));
        health(&run.ctx, &remotes).await
    });
}

/// The first answers are good enough.
#[with_context]
async fn quorum(remotes: &[Remote], enough: usize) -> Result<Vec<u32>, AppError> {
    let mut calls: FuturesUnordered<_> = remotes.iter().map(|remote| remote.call(4)).collect();
    let mut answers = Vec::new();
    while let Some(answer) = calls.next().await {
        answers.push(answer);
        if answers.len() == enough {
            return Ok(answers);
        }
    }
    Err(AppError::Failed("too few".to_owned()))
}

#[test]
fn a_quorum_is_enough() {
    survives(vec![40; 2], async |run: Run| {
        let remotes = [15, 5, 80].map(|millis| Remote::new(&run.live, millis));
        quorum(&run.ctx, &remotes, 2).await
    });
}

/// Three services, or none.
#[with_context]
async fn page(remote: &Remote) -> Result<(u32, u32, Vec<u32>), AppError> {
    let user = async { Ok::<_, AppError>(remote.call(1).await) };
    let cart = fetch(ctx.clone(), remote.clone(), 2);
    let offers = try_join_all((3..6).map(|offer| fetch(ctx.clone(), remote.clone(), offer)));
    tokio::try_join!(user, cart, offers)
}

#[test]
fn a_page_is_put_together() {
    survives((10, 21, vec![31, 41, 51]), async |run: Run| {
        page(&run.ctx, &Remote::new(&run.live, 7)).await
    });
}

/// Counts primes on a thread, which looks at the context itself.
fn count_primes(ctx: &Context, below: u32, _busy: &Guard) -> Result<u32, Cancelled> {
    let mut count = 0;
    for number in 2..below {
        if number % 64 == 0 {
            ctx.check()?;
        }
        let mut divisors = 2..=number.isqrt();
        count += u32::from(!divisors.any(|divisor| number % divisor == 0));
    }
    Ok(count)
}

/// Dropping the handle of a blocking task would leave it running, so it is waited for: it stops by itself.
#[with_context]
async fn crunch(live: &Live) -> Result<u32, AppError> {
    let busy = live.guard();
    let (ctx_of_thread, wait) = (ctx.clone(), sleep(Duration::from_millis(1)));
    wait.await;
    let thread = spawn_blocking(move || count_primes(&ctx_of_thread, 2_000, &busy));
    #[shield]
    let count = thread.await?;
    Ok(count?)
}

#[test]
fn a_blocking_thread_stops_by_itself() {
    survives(303, async |run: Run| {
        let count = crunch(&run.ctx, &run.live).await;
        assert!(run.live.is_idle(), "the thread is waited for");
        count
    });
}

/// Workers share one queue, and a panic-free end of each is waited for.
#[with_context(owned)]
async fn worker(
    jobs: Arc<tokio::sync::Mutex<mpsc::Receiver<u32>>>,
    sum: Arc<AtomicU32>,
) -> Option<()> {
    loop {
        let job = jobs.lock().await.recv().await?;
        sleep(Duration::from_millis(u64::from(job))).await;
        sum.fetch_add(job, Ordering::Relaxed);
    }
}

#[with_context]
async fn work_off(queue: Vec<u32>, workers: usize) -> Result<u32, AppError> {
    let (send, jobs) = mpsc::channel(2);
    let jobs = Arc::new(tokio::sync::Mutex::new(jobs));
    let sum = Arc::default();
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        tasks.spawn(worker(ctx.clone(), Arc::clone(&jobs), Arc::clone(&sum)));
    }
    for job in queue {
        send.send(job).await?;
    }
    drop(send);
    tasks.join_all().await;
    ctx.check()?;
    Ok(sum.load(Ordering::Relaxed))
}

#[test]
fn workers_share_a_queue() {
    survives(36, async |run: Run| {
        work_off(&run.ctx, (1..9).collect(), 3).await
    });
}

/// Starts a job in the background and lets it report; who leaves early takes the job along.
#[with_context]
async fn with_progress(remote: &Remote) -> Result<(u32, Vec<u32>), AppError> {
    let scope = ctx.with_cancel();
    let (report, mut reports) = mpsc::channel(1);
    let (finish, finished) = oneshot::channel();
    tokio::spawn(background(scope.clone(), remote.clone(), report, finish));
    let mut seen = Vec::new();
    while let Some(progress) = reports.recv().await {
        seen.push(progress);
    }
    Ok((finished.await?, seen))
}

#[with_context(owned)]
async fn background(
    remote: Remote,
    report: mpsc::Sender<u32>,
    finish: oneshot::Sender<u32>,
) -> Result<(), AppError> {
    let mut sum = 0;
    for step in 1..4 {
        sum += remote.call(step).await;
        report.send(step).await?;
    }
    finish.send(sum).map_err(|_| AppError::Closed)
}

#[test]
fn a_background_job_reports_and_ends_with_its_owner() {
    survives((60, vec![1, 2, 3]), async |run: Run| {
        with_progress(&run.ctx, &Remote::new(&run.live, 4)).await
    });
}
