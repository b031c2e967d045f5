//! One box for a `Watch` that the thread keeps, from a checkpoint that is over for the next one.
//!
//! A request's checkpoints wait one after the other, so one box mostly serves them all. It holds nothing of
//! anybody's while it is kept.

use crate::promise::Watch;

#[cfg(not(ctx_loom))]
mod kept {
    use super::Watch;
    use std::cell::Cell;

    thread_local! {
        static SPARE: Cell<Option<Box<Watch>>> = const { Cell::new(None) };
    }

    #[inline]
    pub(super) fn take() -> Option<Box<Watch>> {
        SPARE.try_with(Cell::take).ok()?
    }

    #[inline]
    pub(super) fn put(watch: Box<Watch>) {
        // A thread that is being torn down keeps nothing.
        let _ = SPARE.try_with(|spare| spare.set(Some(watch)));
    }
}

// Loom runs a model many times on few threads, and is to see each run alike.
#[cfg(ctx_loom)]
mod kept {
    use super::Watch;

    pub(super) fn take() -> Option<Box<Watch>> {
        None
    }

    pub(super) fn put(_: Box<Watch>) {}
}

/// A watch that has promised nothing.
#[inline]
#[expect(clippy::unnecessary_box_returns, reason = "the box is what is kept")]
pub(crate) fn take() -> Box<Watch> {
    kept::take().unwrap_or_else(|| Box::new(Watch::new()))
}

/// Forgets what a watch had promised, and keeps its box.
#[inline]
pub(crate) fn put(mut watch: Box<Watch>) {
    // What is dropped here may be foreign, so it comes before the box is anybody's.
    watch.reset();
    kept::put(watch);
}

/// The same for one that has promised nothing, and has left the list.
#[inline]
pub(crate) fn put_idle(watch: Box<Watch>) {
    kept::put(watch);
}
