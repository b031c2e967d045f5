//! Contexts that somebody may cancel: the owner's handle, and the one that can be given away.

use crate::{
    context::Context,
    error::{BoxError, Cause, cause_from},
    node::{Node, ScopeRef},
};
use std::{fmt, ops::Deref, panic::Location, sync::Arc};

/// A context that its owner cancels, by call or by dropping it.
///
/// It dereferences to [`Context`], so `&scope` is a `&Context` and `scope.clone()` is a plain `Context`.
/// The first cancellation wins: later calls return `false` and change nothing. When a call that returned
/// `true` returns, every descendant has ended, and nothing else has: not the parent, not a sibling.
///
/// Dropping it cancels it, so a scope never outlives the function that made it unless it is
/// [detached](Self::detach). A *temporary* scope ends with its statement: give values first and make the
/// scope last, `root.with_value(&K, v).with_timeout(d)`.
///
/// # Examples
///
/// ```
/// use ctx::Context;
///
/// let request = Context::background().with_cancel();
/// let query = request.with_cancel();
/// assert!(query.cancel());
/// assert!(!query.cancel(), "the first one wins");
/// assert!(query.is_cancelled() && !request.is_cancelled());
/// ```
#[must_use = "a scope that is dropped is cancelled"]
pub struct CancelScope {
    /// Always the scope itself; background only once it was detached.
    context: Context,
}

impl CancelScope {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Self {
            context: Context::from_node(node),
        }
    }

    /// Ends the context and all its descendants; `true` if this call did it.
    ///
    /// It returns `false` if the context had ended already, by a call, an ancestor or a deadline, seen or
    /// unseen. It never waits for whoever is woken, and a waker that panics does not reach the caller.
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = ctx::Context::background().with_cancel();
    /// assert!(scope.cancel());
    /// ```
    #[track_caller]
    #[expect(
        clippy::must_use_candidate,
        reason = "most callers do not ask who was first"
    )]
    pub fn cancel(&self) -> bool {
        end(&self.context, Location::caller(), None)
    }

    /// [`cancel`](Self::cancel), with a cause that every receiver finds in [`Cancelled`](crate::Cancelled).
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = ctx::Context::background().with_cancel();
    /// assert!(scope.cancel_with("client disconnected"));
    /// assert_eq!(scope.err().unwrap().cause().unwrap().to_string(), "client disconnected");
    /// ```
    #[track_caller]
    pub fn cancel_with(&self, cause: impl Into<BoxError>) -> bool {
        let at = Location::caller();
        end(&self.context, at, Some(cause_from(cause)))
    }

    /// A handle for somebody else to cancel this context with.
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = ctx::Context::background().with_cancel();
    /// let canceller = scope.canceller();
    /// std::thread::spawn(move || canceller.cancel()).join().unwrap();
    /// assert!(scope.is_cancelled());
    /// ```
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller {
            context: self.context.clone(),
        }
    }

    /// A plain [`Context`]: this one, without the power to cancel it.
    ///
    /// It stands here, beside the `Clone` that the scope does not have, so that a `&CancelScope` gives a
    /// context too, and not a second reference to the scope.
    ///
    /// # Examples
    ///
    /// ```
    /// use ctx::{CancelScope, Context};
    ///
    /// fn hand_out(scope: &CancelScope) -> Context {
    ///     scope.clone()
    /// }
    ///
    /// let scope = Context::background().with_cancel();
    /// let ctx = hand_out(&scope);
    /// drop(scope);
    /// assert!(ctx.is_cancelled());
    /// ```
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "a scope has one owner; what is cloned is the context"
    )]
    pub fn clone(&self) -> Context {
        self.context.clone()
    }

    /// Gives up the ownership: the context then lives until its parent or its deadline ends it.
    ///
    /// # Examples
    ///
    /// ```
    /// let ctx = ctx::Context::background().with_cancel().detach();
    /// assert!(!ctx.is_cancelled());
    /// ```
    #[expect(clippy::must_use_candidate, reason = "others may hold clones of it")]
    pub fn detach(mut self) -> Context {
        std::mem::take(&mut self.context)
    }
}

impl Deref for CancelScope {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

impl AsRef<Context> for CancelScope {
    fn as_ref(&self) -> &Context {
        &self.context
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.context.fmt(f)
    }
}

impl Drop for CancelScope {
    #[inline]
    fn drop(&mut self) {
        // With no other handle there is nobody who could see the end: no clone, no child and no waiter,
        // since each of them holds one.
        if let Some(node) = self.context.node() {
            if Arc::strong_count(node) > 1 {
                end_by_drop(node);
            }
        }
        #[cfg(any(feature = "signal", feature = "tokio-util"))]
        if let Some(bridge) = self.context.node().and_then(|node| node.bridge()) {
            bridge.unhook();
        }
    }
}

#[inline(never)]
fn end_by_drop(node: &Arc<Node>) {
    if let Some(scope) = ScopeRef::of(node) {
        scope.end_by_drop();
    }
}

/// A handle that cancels a scope from elsewhere: clone it, send it; dropping it does nothing.
///
/// # Examples
///
/// ```
/// let scope = ctx::Context::background().with_cancel();
/// let canceller = scope.canceller();
/// drop(canceller.clone());
/// assert!(!scope.is_cancelled());
/// assert!(canceller.cancel_with("operator"));
/// ```
#[derive(Clone)]
pub struct Canceller {
    context: Context,
}

impl Canceller {
    /// Ends the context and all its descendants; `true` if this call did it. See [`CancelScope::cancel`].
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = ctx::Context::background().with_cancel();
    /// assert!(scope.canceller().cancel());
    /// assert!(!scope.cancel(), "the canceller was first");
    /// ```
    #[track_caller]
    #[expect(
        clippy::must_use_candidate,
        reason = "most callers do not ask who was first"
    )]
    pub fn cancel(&self) -> bool {
        end(&self.context, Location::caller(), None)
    }

    /// [`cancel`](Self::cancel), with a cause. See [`CancelScope::cancel_with`].
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = ctx::Context::background().with_cancel();
    /// scope.canceller().cancel_with("operator");
    /// assert_eq!(scope.err().unwrap().cause().unwrap().to_string(), "operator");
    /// ```
    #[track_caller]
    pub fn cancel_with(&self, cause: impl Into<BoxError>) -> bool {
        let at = Location::caller();
        end(&self.context, at, Some(cause_from(cause)))
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Canceller").field(&self.context).finish()
    }
}

fn end(context: &Context, at: &'static Location<'static>, cause: Option<Cause>) -> bool {
    match context.node().and_then(ScopeRef::of) {
        Some(scope) => scope.end_by_call(at, cause),
        None => false,
    }
}
