//! A pool of workers behind a bounded queue, which drains it on the first Ctrl-C and ends on the second.
//!
//! ```text
//! cargo run --example workers --features signal -- --workers 4 --work 200ms --drain 2s
//! ```
//!
//! Requests arrive as fast as the queue takes them. Two contexts say who is to stop when:
//!
//! ```text
//!   root    with_shutdown_signal: the signal ends it, and so the accepting of requests
//!    └ pool   without_cancel, with_cancel: the workers' own. It ends when the drain has taken too long
//!       └ group  ends when a request fails
//! ```
//!
//! At the end a table tells what became of every request that was accepted. The exit code is 0 if none was
//! lost, and 1 otherwise.

use clap::{Parser, value_parser};
use ctx::{Cancelled, Canceller, Context, with_context};
use std::{
    fmt,
    io::{self, Write},
    panic::resume_unwind,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::{Mutex, mpsc},
    task::spawn_blocking,
    time::sleep,
};

/// Work through requests until there are no more, or until Ctrl-C.
///
/// The first Ctrl-C, or SIGTERM, drains: nothing more is accepted, and what was accepted is finished
/// within the budget. The second one ends the program at once.
#[derive(Parser)]
#[command(name = "workers", version)]
struct Options {
    /// End after this many requests [default: go on until Ctrl-C]
    #[arg(long, value_name = "N")]
    requests: Option<u64>,

    /// Let this request fail, which ends all others
    #[arg(long, value_name = "K", value_parser = value_parser!(u64).range(1..))]
    fail_at: Option<u64>,

    /// How many requests are worked on at a time
    #[arg(long, value_name = "N", default_value = "4", value_parser = value_parser!(u16).range(1..=512))]
    workers: u16,

    /// How many requests may wait
    #[arg(long, value_name = "N", default_value = "8", value_parser = value_parser!(u16).range(1..))]
    queue: u16,

    /// How long a request waits for others, as in 20ms or 1h
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = humantime::parse_duration)]
    work: Duration,

    /// How long the drain may take
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = humantime::parse_duration)]
    drain: Duration,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("workers: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The whole life of the root.
async fn run(options: &Options) -> io::Result<ExitCode> {
    let root = Context::background().with_shutdown_signal()?;
    let tally = Arc::new(Tally::default());
    let (workers, places) = (options.workers, options.queue);
    say(&format!("ready: {workers} workers, {places} places"));
    let outcome = serve(&root, options, &tally).await;
    say(&format!("\n{tally}"));
    match outcome {
        // The signal came before the first request could.
        Err(Failure::Stopped(_)) if tally.lost() == 0 => Ok(ExitCode::SUCCESS),
        Err(Failure::Stopped(cancelled)) => {
            eprintln!("workers: {}", cancelled.report());
            Ok(ExitCode::FAILURE)
        }
        Err(failure) => Err(io::Error::other(failure.to_string())),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

/// Accepts requests until there are no more, or the root ends, and then waits for the workers.
#[with_context]
async fn serve(options: &Options, tally: &Arc<Tally>) -> Result<(), Failure> {
    // The end of the root is to reach those who accept and not those who work.
    let pool = ctx.without_cancel();
    let pool = pool.with_cancel();
    let budget = limit_drain(
        ctx.clone(),
        pool.canceller(),
        options.drain,
        Arc::clone(tally),
    );
    let budget = tokio::spawn(budget);

    let (queue, requests) = mpsc::channel(options.queue.into());
    let requests = Arc::new(Mutex::new(requests));
    let mut workers = pool.group();
    for _ in 0..options.workers {
        let (requests, tally) = (Arc::clone(&requests), Arc::clone(tally));
        let (time, fail_at) = (options.work, options.fail_at);
        workers.spawn(move |ctx| work(ctx, requests, tally, time, fail_at));
    }
    // From here on they alone hold the receiving end, so the queue closes when the last of them ends.
    drop(requests);

    let accepted = accept(ctx, options.requests, queue, tally).await;
    // The queue is closed by now: a worker ends when it finds it empty. Shielded, since the root may have
    // ended, and an `.await` on an ended context starts nothing.
    #[shield]
    let worked = workers.wait().await;
    budget.abort();
    worked?;
    // That the signal stopped the accepting is no failure, if everything could be drained.
    accepted.or_else(|cancelled| {
        if tally.lost() == 0 {
            Ok(())
        } else {
            Err(cancelled.into())
        }
    })
}

/// Puts requests into the queue. It waits where the queue is full, and stops where the root ends, or where
/// nobody works any more.
#[with_context]
async fn accept(
    requests: Option<u64>,
    queue: mpsc::Sender<u64>,
    tally: &Tally,
) -> Result<(), Cancelled> {
    for request in 1..=requests.unwrap_or(u64::MAX) {
        // A place first: if the root ends while this waits, no request is lost in it.
        let Ok(place) = queue.reserve().await else {
            break;
        };
        tally.accepted.fetch_add(1, Relaxed);
        place.send(request);
    }
    Ok(())
}

/// Takes requests out of the queue until it is closed and empty.
#[with_context(owned)]
async fn work(
    requests: Arc<Mutex<mpsc::Receiver<u64>>>,
    tally: Arc<Tally>,
    time: Duration,
    fail_at: Option<u64>,
) -> Result<(), Failure> {
    loop {
        // The lock is given back before the work begins: in a `while let` it would be held until its end.
        let next = requests.lock().await.recv().await;
        let Some(request) = next else { return Ok(()) };
        if fail_at == Some(request) {
            tally.failed.fetch_add(1, Relaxed);
            return Err(Failure::Request(request));
        }
        say(&format!("started:  request {request}"));
        let steps = handle(&ctx, request, time).await?;
        tally.finished.fetch_add(1, Relaxed);
        say(&format!("finished: request {request}, {steps} steps"));
    }
}

/// One request: something to wait for, and something to compute.
#[with_context]
async fn handle(request: u64, time: Duration) -> Result<u64, Failure> {
    sleep(time).await;
    let for_thread = ctx.clone();
    match spawn_blocking(move || crunch(&for_thread, request)).await {
        Ok(steps) => Ok(steps?),
        Err(error) => resume_unwind(error.into_panic()),
    }
}

/// How many steps the Collatz sequences of a thousand numbers take. Nothing interrupts a thread, so it looks
/// at the context itself.
fn crunch(ctx: &Context, request: u64) -> Result<u64, Cancelled> {
    let mut steps = 0;
    for start in request..request + 1_000 {
        ctx.check()?;
        let mut number = start;
        while number != 1 {
            number = if number % 2 == 0 {
                number / 2
            } else {
                3 * number + 1
            };
            steps += 1;
        }
    }
    Ok(steps)
}

/// Waits for the end of the root, and ends the pool when the drain that begins then has taken too long.
#[with_context(owned, checkpoints = none)]
async fn limit_drain(pool: Canceller, budget: Duration, tally: Arc<Tally>) {
    let cancelled = ctx.done().await;
    let cause = cancelled
        .cause()
        .map(ToString::to_string)
        .unwrap_or_default();
    tally.start_drain();
    let time = humantime::format_duration(budget);
    say(&format!("draining for at most {time}: {cause}"));
    let drain = ctx.without_cancel();
    let drain = drain.with_timeout(budget);
    drain.done().await;
    pool.cancel_with(format!("the drain took longer than {time}"));
}

/// Prints a line, unless nobody is there any more to read it, which is no reason to panic.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// What became of the requests.
#[derive(Default)]
struct Tally {
    accepted: AtomicUsize,
    finished: AtomicUsize,
    failed: AtomicUsize,
    /// One more than how many were finished when the drain began; 0 before that.
    before_drain: AtomicUsize,
}

impl Tally {
    fn start_drain(&self) {
        self.before_drain
            .store(self.finished.load(Relaxed) + 1, Relaxed);
    }

    /// Requests that were accepted, and neither finished nor failed.
    fn lost(&self) -> usize {
        self.accepted.load(Relaxed) - self.finished.load(Relaxed) - self.failed.load(Relaxed)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finished = self.finished.load(Relaxed);
        let before = self
            .before_drain
            .load(Relaxed)
            .checked_sub(1)
            .unwrap_or(finished);
        writeln!(f, "accepted  {:>6}", self.accepted.load(Relaxed))?;
        writeln!(f, "finished  {before:>6}")?;
        writeln!(f, "drained   {:>6}", finished - before)?;
        writeln!(f, "failed    {:>6}", self.failed.load(Relaxed))?;
        write!(f, "dropped   {:>6}", self.lost())
    }
}

/// Why a worker ended early.
#[derive(Debug)]
enum Failure {
    Stopped(Cancelled),
    Request(u64),
}

impl From<Cancelled> for Failure {
    fn from(cancelled: Cancelled) -> Self {
        Self::Stopped(cancelled)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(cancelled) => cancelled.fmt(f),
            Self::Request(request) => write!(f, "request {request} failed"),
        }
    }
}
