//! `sha256sum` for whole trees, in parallel, that stops when it is told to.
//!
//! ```text
//! cargo run --release --example digest -- [--timeout 2s] [--jobs N] [PATH…]
//! ```
//!
//! One context goes through the whole program: the walk, every thread that reads files, and whoever waits
//! for them. Ctrl-C cancels it, `--timeout` is its deadline, and `report()` tells at the end which of the
//! two it was. Threads look at the context between two blocks, or two names of a directory; one that
//! hangs in a read holds up nothing, since the `.await` on it is a checkpoint.
//!
//! `options` says what is asked for, `walk` finds the files, `hash` reads them, `print` puts the digests
//! in order, and `progress` counts.

mod hash;
mod options;
mod print;
mod progress;
mod walk;

use clap::Parser;
use ctx::{Cancelled, Canceller, Context, with_context};
use hash::Job;
use options::Options;
use print::{Printer, Stop, Ticket};
use progress::Progress;
use std::{
    io::{self, ErrorKind, Write},
    panic::resume_unwind,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex, mpsc as std_mpsc},
    time::Duration,
};
use tokio::{
    runtime::Builder,
    sync::mpsc,
    task::{JoinError, JoinHandle, spawn_blocking},
};
use walk::Walk;

/// How many files may be found, or hashed, ahead of the one that is to be printed next. It bounds the
/// memory, however many files there are.
const AHEAD: usize = 1024;

/// What the printer gets, after the end, for the digests that are there already.
const GRACE: Duration = Duration::from_millis(25);

/// The threads that read no files: the walk, the survey and the printer.
const OTHER_THREADS: usize = 3;

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(options.jobs() + OTHER_THREADS)
        .build();
    let outcome = runtime.and_then(|runtime| {
        let outcome = runtime.block_on(run(options));
        // A thread may hang in a read that nothing interrupts; the process does not wait for it.
        runtime.shutdown_background();
        outcome
    });
    ExitCode::from(outcome.unwrap_or_else(|error| {
        say(&format!("digest: {error}"));
        1
    }))
}

/// The whole life of the root context; returns the exit code.
async fn run(options: Options) -> io::Result<u8> {
    let root = Context::background().with_cancel();
    tokio::spawn(obey(interrupts()?, root.canceller()));
    let ctx = match options.timeout {
        Some(after) => {
            let cause = format!("--timeout {}", humantime::format_duration(after));
            root.with_timeout_cause(after, cause)
        }
        None => root.with_cancel(),
    };

    let progress = Arc::new(Progress::new());
    let (tickets, queue) = mpsc::channel(AHEAD);
    let printer = Printer::new(queue, Arc::clone(&progress));
    let mut printing = start_printer(&ctx, root.canceller(), printer);

    let outcome = digest(&ctx, options, &progress, tickets, &mut printing).await;
    if outcome.is_err() && !printing.is_finished() {
        // What was hashed before the end is still worth a line, if somebody reads it soon.
        let grace = ctx.without_cancel().with_timeout(GRACE);
        let _ = grace.run_until_cancelled(&mut printing).await;
    }
    progress.clear();
    Ok(conclude(outcome, &progress))
}

/// Walks, hashes and prints, all at the same time, until everything is printed.
#[with_context]
async fn digest(
    options: Options,
    progress: &Arc<Progress>,
    tickets: mpsc::Sender<Ticket>,
    printing: &mut JoinHandle<Result<(), Cancelled>>,
) -> Result<(), Cancelled> {
    let (jobs, queue) = std_mpsc::sync_channel(AHEAD);
    let readers = start_readers(ctx, options.jobs(), queue, progress);
    let paths = Arc::new(options.paths);
    start_survey(ctx, Arc::clone(&paths), Arc::clone(progress));
    joined(start_walk(ctx, paths, jobs, tickets).await)?;
    for reader in readers {
        joined(reader.await)?;
    }
    joined(printing.await)
}

/// Starts the walk, which gives out each file twice, in path order: as a job to the readers, and as a
/// ticket to the printer, who so knows what to wait for next.
fn start_walk(
    ctx: &Context,
    paths: Arc<Vec<PathBuf>>,
    jobs: std_mpsc::SyncSender<Job>,
    tickets: mpsc::Sender<Ticket>,
) -> JoinHandle<Result<(), Cancelled>> {
    let ctx = ctx.clone();
    let mut give_out = move |found| {
        // Nobody takes them only after the end, which the walk sees for itself.
        let ticket = match found {
            Ok(path) => {
                let (job, ticket) = Ticket::and_job(path);
                let _ = jobs.send(job);
                ticket
            }
            Err(failure) => Ticket::Failed(failure),
        };
        let _ = tickets.blocking_send(ticket);
    };
    spawn_blocking(move || {
        Walk {
            sorted: true,
            visit: &mut give_out,
        }
        .paths(&ctx, &paths)
    })
}

/// Starts the threads that read files, as many as may be read at a time.
fn start_readers(
    ctx: &Context,
    jobs: usize,
    queue: std_mpsc::Receiver<Job>,
    progress: &Arc<Progress>,
) -> Vec<JoinHandle<Result<(), Cancelled>>> {
    let queue = Arc::new(Mutex::new(queue));
    let start = |_| {
        let (ctx, queue, progress) = (ctx.clone(), Arc::clone(&queue), Arc::clone(progress));
        spawn_blocking(move || hash::work(&ctx, &queue, &progress))
    };
    (0..jobs).map(start).collect()
}

/// Starts to count what there is to do, ahead of those who do it.
fn start_survey(ctx: &Context, paths: Arc<Vec<PathBuf>>, progress: Arc<Progress>) {
    let ctx = ctx.clone();
    // Nobody waits for it: `Progress` knows whether it got to its end.
    drop(spawn_blocking(move || {
        progress::survey(&ctx, &paths, &progress)
    }));
}

/// Starts the printer, on a thread of its own, since whoever reads our output may make it wait.
fn start_printer(
    ctx: &Context,
    root: Canceller,
    printer: Printer,
) -> JoinHandle<Result<(), Cancelled>> {
    let ctx = ctx.clone();
    spawn_blocking(move || {
        let error = match printer.run(&ctx) {
            Ok(()) => return Ok(()),
            Err(Stop::Cancelled(cancelled)) => return Err(cancelled),
            Err(Stop::Output(error)) => error,
        };
        // Without a reader of ours there is no reason to go on.
        root.cancel_with(error);
        ctx.check()
    })
}

/// Turns the first Ctrl-C into a cancellation, and obeys the second one at once.
async fn obey(mut interrupts: Interrupts, root: Canceller) {
    interrupts.recv().await;
    root.cancel_with("interrupted (Ctrl-C)");
    interrupts.recv().await;
    std::process::exit(130);
}

// A Ctrl-C counts from the moment of the subscription, which is why it is not left to the spawned task.
#[cfg(unix)]
use tokio::signal::unix::Signal as Interrupts;
#[cfg(unix)]
fn interrupts() -> io::Result<Interrupts> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
}

#[cfg(windows)]
use tokio::signal::windows::CtrlC as Interrupts;
#[cfg(windows)]
fn interrupts() -> io::Result<Interrupts> {
    tokio::signal::windows::ctrl_c()
}

/// Says how it ended, and gives the exit code: 124 as `timeout` does, 130 and 141 as shells do for a
/// process that SIGINT or SIGPIPE ended.
fn conclude(outcome: Result<(), Cancelled>, progress: &Progress) -> u8 {
    let Err(cancelled) = outcome else {
        return u8::from(progress.failed() > 0);
    };
    let code = match cancelled.cause_as::<io::Error>().map(io::Error::kind) {
        Some(ErrorKind::BrokenPipe) => return 141,
        Some(_) => 1,
        None if cancelled.is_deadline_exceeded() => 124,
        None => 130,
    };
    say(&format!(
        "digest: stopped, {progress}\n{}",
        cancelled.report()
    ));
    code
}

/// Prints a line on stderr, unless nobody is there any more to read it, which is no reason to panic.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// The output of a task or a thread; a panic in it goes on here.
fn joined<T>(outcome: Result<T, JoinError>) -> T {
    outcome.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}
