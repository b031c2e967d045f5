//! What is done and what is left, for the bar and for the last words.

use crate::walk::{Found, Walk};
use ctx::{Cancelled, with_context};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use std::{
    fmt, fs,
    io::{self, IsTerminal},
    path::PathBuf,
    sync::atomic::{
        AtomicBool, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
    time::Duration,
};

const BAR: &str = "{bar:32} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";

/// Files, and the bytes in them.
#[derive(Default)]
struct Amount {
    files: AtomicU64,
    bytes: AtomicU64,
}

/// The counters. Each stands for itself, so they are relaxed.
pub(crate) struct Progress {
    /// Drawn only where stderr is a terminal.
    bar: ProgressBar,
    /// Whether lines on stdout would run into the bar.
    shared_screen: bool,
    found: Amount,
    done: Amount,
    failed: AtomicU64,
    /// Whether the survey got to its end.
    complete: AtomicBool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new(0);
        bar.set_style(ProgressStyle::with_template(BAR).expect("the template is a constant"));
        if io::stderr().is_terminal() {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self {
            bar,
            shared_screen: io::stdout().is_terminal() && io::stderr().is_terminal(),
            found: Amount::default(),
            done: Amount::default(),
            failed: AtomicU64::new(0),
            complete: AtomicBool::new(false),
        }
    }

    /// A block was read.
    pub(crate) fn add_read(&self, bytes: usize) {
        self.done.bytes.fetch_add(bytes as u64, Relaxed);
        self.bar.inc(bytes as u64);
    }

    /// Files got their line.
    pub(crate) fn add_done(&self, files: u64) {
        self.done.files.fetch_add(files, Relaxed);
    }

    /// Something could not be read.
    pub(crate) fn add_failed(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    /// How many files and directories could not be read.
    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Relaxed)
    }

    /// Prints with the bar out of the way. Where they do not meet, the bar's lock is not taken, so a slow
    /// reader of stdout does not hold up those who count.
    pub(crate) fn above_bar<T>(&self, print: impl FnOnce() -> T) -> T {
        if self.shared_screen {
            self.bar.suspend(print)
        } else {
            print()
        }
    }

    /// Takes the bar away for good.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// Finds out how much there is to do. It sees the same files as the walk that feeds the readers, but
/// keeps none and sorts none, so it may run ahead as far as it likes.
#[with_context]
pub(crate) fn survey(paths: &[PathBuf], progress: &Progress) -> Result<(), Cancelled> {
    let mut count = |found: Found| {
        // Who hashes the file complains about it; here a rough number will do.
        if let Ok(path) = found {
            let bytes = fs::metadata(path).map_or(0, |metadata| metadata.len());
            progress.found.files.fetch_add(1, Relaxed);
            progress.found.bytes.fetch_add(bytes, Relaxed);
            progress.bar.inc_length(bytes);
        }
    };
    Walk {
        sorted: false,
        visit: &mut count,
    }
    .paths(ctx, paths)?;
    // Whoever sees the survey complete sees all it counted.
    progress.complete.store(true, Release);
    Ok(())
}

/// What was done, and how much was left.
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_least = if self.complete.load(Acquire) {
            ""
        } else {
            "at least "
        };
        let files = self.done.files.load(Relaxed);
        let bytes = self.done.bytes.load(Relaxed);
        // The survey may be behind those who do the work.
        let all_files = self.found.files.load(Relaxed).max(files);
        let all_bytes = self.found.bytes.load(Relaxed).max(bytes);
        write!(
            f,
            "{} of {at_least}{} files done, {} read, {at_least}{} left",
            HumanCount(files),
            HumanCount(all_files),
            HumanBytes(bytes),
            HumanBytes(all_bytes - bytes),
        )
    }
}
