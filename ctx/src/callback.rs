//! The hook of a callback that runs after a context has ended.

use crate::{
    callbacks::{self, Callback, Ticket},
    context::Context,
    node::ScopeRef,
};
use std::{fmt, sync::Mutex};

/// A callback that waits for the end of its context; made by [`Context::on_cancel`].
///
/// Dropping it stops the callback. [`detach`](Self::detach) leaves it to run.
///
/// # Examples
///
/// ```
/// let scope = ctx::Context::background().with_cancel();
/// let hook = scope.on_cancel(|_| unreachable!("it was stopped"));
/// assert!(hook.stop());
/// scope.cancel();
/// ```
#[must_use = "a hook that is dropped is stopped"]
pub struct OnCancel {
    context: Context,
    /// `None` once it was stopped or detached.
    pending: Option<Pending>,
}

enum Pending {
    Queued(Ticket),
    /// The context cannot end, so the callback is only kept. The mutex, never locked, makes it `Sync`.
    #[expect(dead_code, reason = "what it captured is to live as long as the hook")]
    Kept(Mutex<Callback>),
}

impl OnCancel {
    pub(crate) fn new(context: &Context, callback: Callback) -> Self {
        let pending = match context.scope() {
            Some(scope) => Pending::Queued(callbacks::register(scope, callback)),
            None => Pending::Kept(Mutex::new(callback)),
        };
        Self {
            context: context.clone(),
            pending: Some(pending),
        }
    }

    /// Keeps the callback from running: `true` only if this call did. It leaves nothing behind, no task
    /// and no timer.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(ctx::Context::background().on_cancel(|_| ()).stop());
    /// ```
    pub fn stop(mut self) -> bool {
        self.stop_once()
    }

    /// Leaves the callback to run without the hook. On a context that can never end it is dropped, since
    /// it could never run.
    ///
    /// # Examples
    ///
    /// ```
    /// let (tell, told) = std::sync::mpsc::channel();
    /// let scope = ctx::Context::background().with_cancel();
    /// scope.on_cancel(move |_| tell.send(()).unwrap()).detach();
    /// drop(scope);
    /// told.recv().unwrap();
    /// ```
    pub fn detach(mut self) {
        self.pending = None;
    }

    fn stop_once(&mut self) -> bool {
        match (self.pending.take(), self.context.scope()) {
            (Some(Pending::Queued(ticket)), Some(scope)) => stop(scope, ticket),
            (kept, _) => kept.is_some(),
        }
    }
}

fn stop(scope: ScopeRef<'_>, ticket: Ticket) -> bool {
    callbacks::take(scope, ticket).is_some()
}

impl Drop for OnCancel {
    fn drop(&mut self) {
        self.stop_once();
    }
}

impl fmt::Debug for OnCancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnCancel").field(&self.context).finish()
    }
}

// The callback itself is never run or looked at through a shared hook.
impl std::panic::UnwindSafe for OnCancel {}
impl std::panic::RefUnwindSafe for OnCancel {}
