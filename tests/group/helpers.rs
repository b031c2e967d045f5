//! Tasks that tell what became of them.

use ctx::{Cancelled, Context};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::task::yield_now;

pub(super) const ROOT: Context = Context::background();

/// An error that can be told from every other one, and is no more than the contract asks: it has a
/// `Display`, and takes a cancellation.
#[derive(Debug)]
pub(super) enum Fault {
    Own(Arc<str>),
    Stopped(Cancelled),
}

impl Fault {
    pub(super) fn new(text: &str) -> Self {
        Self::Own(text.into())
    }

    #[track_caller]
    pub(super) fn stopped(self) -> Cancelled {
        match self {
            Self::Stopped(cancelled) => cancelled,
            Self::Own(text) => panic!("it should be a cancellation, and is '{text}'"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(text) => f.write_str(text),
            Self::Stopped(cancelled) => cancelled.fmt(f),
        }
    }
}

impl From<Cancelled> for Fault {
    fn from(cancelled: Cancelled) -> Self {
        Self::Stopped(cancelled)
    }
}

/// Counts what is alive.
#[derive(Clone, Debug, Default)]
pub(super) struct Census(Arc<AtomicUsize>);

/// One of those that are counted.
pub(super) struct Alive(Census);

impl Census {
    pub(super) fn alive(&self) -> Alive {
        self.0.fetch_add(1, Ordering::SeqCst);
        Alive(self.clone())
    }

    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A number that tasks may raise.
#[derive(Clone, Debug, Default)]
pub(super) struct Count(Arc<AtomicUsize>);

impl Count {
    pub(super) fn up(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(super) fn down(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Lets the tasks of this current-thread runtime run.
pub(super) async fn let_others_run() {
    for _ in 0..50 {
        yield_now().await;
    }
}
