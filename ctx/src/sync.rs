//! The cells and atomics under the tree, in two sets: std's, and loom's under `--cfg ctx_loom`.
//!
//! Everything that two threads race for goes through here, so that the model checker sees it. `Arc` and
//! `Weak` stay std's in both sets: loom has no `Weak`, and their own correctness is not ours to check.
//! The flag is not called `loom`, since tokio rebuilds itself under that name.

#[cfg(ctx_loom)]
pub(crate) use loom::{
    sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering},
    thread_local,
};
#[cfg(not(ctx_loom))]
pub(crate) use std::{
    sync::atomic::{AtomicU8, AtomicU32, Ordering},
    thread_local,
};

/// For what comes out the same whoever writes it, from what never changes: there is nothing for loom to find.
pub(crate) use std::sync::OnceLock;

/// Starts a thread of ours; false if none is to be had.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> bool {
    #[cfg(not(ctx_loom))]
    let thread = std::thread::Builder::new();
    #[cfg(ctx_loom)]
    let thread = loom::thread::Builder::new();
    thread.name(name.to_owned()).spawn(work).is_ok()
}

/// A cell that is written once and read without a lock.
#[cfg(not(ctx_loom))]
pub(crate) struct Once<T>(std::sync::OnceLock<T>);

#[cfg(not(ctx_loom))]
impl<T: Clone> Once<T> {
    pub(crate) fn new() -> Self {
        Self(std::sync::OnceLock::new())
    }

    /// Whether this call wrote it.
    pub(crate) fn set(&self, value: T) -> bool {
        self.0.set(value).is_ok()
    }

    #[inline]
    pub(crate) fn read<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        self.0.get().map(look)
    }
}

/// The same for loom, which has no such cell: a flag published as `OnceLock` publishes its own, so that a
/// reader who was not told in time sees "empty" here as he could there.
#[cfg(ctx_loom)]
pub(crate) struct Once<T> {
    full: loom::sync::atomic::AtomicBool,
    value: loom::sync::Mutex<Option<T>>,
}

#[cfg(ctx_loom)]
impl<T: Clone> Once<T> {
    pub(crate) fn new() -> Self {
        Self {
            full: loom::sync::atomic::AtomicBool::new(false),
            value: loom::sync::Mutex::new(None),
        }
    }

    pub(crate) fn set(&self, value: T) -> bool {
        let mut slot = self.value.lock().unwrap();
        let fresh = slot.is_none();
        if fresh {
            *slot = Some(value);
            // Release: partner of the load in `read`.
            self.full.store(true, Ordering::Release);
        }
        fresh
    }

    pub(crate) fn read<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        // Acquire: partner of the store in `set`.
        if !self.full.load(Ordering::Acquire) {
            return None;
        }
        let value = self.value.lock().unwrap().clone();
        value.as_ref().map(look)
    }
}
