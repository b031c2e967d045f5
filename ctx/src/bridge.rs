//! What ties a scope to something outside the tree: the process's signals, or a `CancellationToken`.
//!
//! 1. At most one thing outside ends a scope: the one that it was made for. The scope holds the *hook*,
//!    whose drop takes the scope off that thing's list; the thing itself points at the scope weakly. So
//!    the scope leaves no trace there, and is not kept alive from there (rule T7).
//! 2. The hook goes with the scope's owner or with the last handle, whichever goes first. A context that
//!    was detached has no owner, so it stays hooked for as long as anybody holds it.
//! 3. The token that a scope's end cancels is made once, on the first request, and stays.
//!
//! Most scopes have neither, so both stand in one box that is made when the first is needed. Hooks are
//! foreign code, and are dropped after the lock (rule T9).

use crate::sync::Lock;
use std::{any::Any, sync::OnceLock};

/// A scope's ties. None until the first one is made.
pub(crate) struct Bridges(OnceLock<Box<Ties>>);

struct Ties {
    hook: Lock<Option<Hook>>,
    #[cfg(feature = "tokio-util")]
    token: OnceLock<tokio_util::sync::CancellationToken>,
}

/// Held, and dropped; nobody looks into it.
type Hook = Box<dyn Any + Send>;

impl Bridges {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    fn ties(&self) -> &Ties {
        self.0.get_or_init(|| {
            Box::new(Ties {
                hook: Lock::new(None),
                #[cfg(feature = "tokio-util")]
                token: OnceLock::new(),
            })
        })
    }

    /// Keeps the hook of a scope that has just been made.
    pub(crate) fn hold(&self, hook: impl Any + Send) {
        *self.ties().hook.lock() = Some(Box::new(hook));
    }

    /// Takes the scope off the list of whatever would end it.
    pub(crate) fn unhook(&self) {
        let Some(ties) = self.0.get() else { return };
        let hook = ties.hook.lock().take();
        drop(hook);
    }

    /// The token that the scope's end cancels.
    #[cfg(feature = "tokio-util")]
    pub(crate) fn token(
        &self,
        make: impl FnOnce() -> tokio_util::sync::CancellationToken,
    ) -> &tokio_util::sync::CancellationToken {
        self.ties().token.get_or_init(make)
    }
}
