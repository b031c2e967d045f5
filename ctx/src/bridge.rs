//! What ties a scope to something outside the tree: the process's signals, or a `CancellationToken`.
//!
//! 1. At most one thing outside ends a scope: the one that it was made for. The scope holds the *hook*,
//!    whose drop takes the scope off that thing's list; the thing itself points at the scope weakly. So
//!    the scope leaves no trace there, and is not kept alive from there (rule T7).
//! 2. The hook goes with the scope's owner or with the last handle, whichever goes first. A context that
//!    was detached has no owner, so it stays hooked for as long as anybody holds it.
//!
//! Few scopes are made for such a thing, so the hook stands in their annex. It is foreign code, and is
//! dropped after the lock (rule T9).

use crate::lock::Lock;
use std::any::Any;

/// What ties a scope to the thing that it was made for.
pub(crate) struct Bridge(Lock<Option<Hook>>);

/// Held, and dropped; nobody looks into it.
type Hook = Box<dyn Any + Send>;

impl Bridge {
    pub(crate) fn new() -> Self {
        Self(Lock::new(None))
    }

    /// Keeps the hook of a scope that has just been made.
    pub(crate) fn hold(&self, hook: impl Any + Send) {
        let before = self.0.lock().replace(Box::new(hook));
        drop(before);
    }

    /// Takes the scope off the list of whatever would end it.
    pub(crate) fn unhook(&self) {
        let hook = self.0.lock().take();
        drop(hook);
    }
}
