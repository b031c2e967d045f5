//! Contexts and tokio-util's `CancellationToken`, both ways: the face of it; `courier` does the work.

use crate::{
    context::Context,
    courier,
    derive::{self, Made},
    node::{How, ScopeRef},
    scope::CancelScope,
};
use std::{error::Error, fmt, panic::Location};
use tokio_util::sync::CancellationToken;

/// The cause of a context that a [`CancellationToken`] ended: a token has none of its own to tell.
///
/// # Examples
///
/// ```
/// use ctx::{Context, TokenCancelled};
/// use tokio_util::sync::CancellationToken;
///
/// let token = CancellationToken::new();
/// let ctx = Context::background().with_token(token.clone());
/// token.cancel();
/// assert_eq!(ctx.err().unwrap().cause_as(), Some(&TokenCancelled));
/// ```
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub struct TokenCancelled;

impl fmt::Display for TokenCancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("the CancellationToken was cancelled")
    }
}

impl Error for TokenCancelled {}

impl Context {
    /// A [`CancellationToken`] that is cancelled when this context ends: for code that knows tokens and
    /// no contexts.
    ///
    /// - It is cancelled before the `cancel` that ended the context returns. A deadline is brought by a
    ///   timer, so a token may learn of it a moment later than a read of the context does.
    /// - On a context that has ended it is cancelled from the start; on one that cannot end, never.
    /// - Cancellation goes downwards only: cancelling the token ends neither the context nor the other
    ///   tokens made from it.
    /// - It costs no task. A token that is dropped leaves nothing behind, so a million of them on one
    ///   long-lived context leave memory flat.
    ///
    /// The first token keeps its context alive until that ends, as a pending callback does. That matters
    /// only to a context that was [detached](CancelScope::detach): its parent or its deadline will still
    /// end it, although nobody holds it, and the token is to hear of it.
    ///
    /// # Panics
    ///
    /// Inside a tokio runtime built without `enable_time`, if the context has a deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use tokio_util::sync::CancellationToken;
    ///
    /// /// Somebody else's, with a token to be stopped by.
    /// async fn serve(stop: CancellationToken) {
    ///     stop.cancelled().await;
    /// }
    ///
    /// let ctx = ctx::Context::background().with_cancel();
    /// let server = tokio::spawn(serve(ctx.cancellation_token()));
    /// ctx.cancel();
    /// server.await.unwrap();
    /// # }
    /// ```
    #[must_use]
    pub fn cancellation_token(&self) -> CancellationToken {
        match self.scope() {
            Some(scope) => courier::token_of(scope),
            None => CancellationToken::new(),
        }
    }

    /// A context below this one that ends when `token` is cancelled, if nothing ends it earlier.
    ///
    /// - It ends with the cause [`TokenCancelled`], and `cancelled_at` is the line of this call, since a
    ///   token remembers neither.
    /// - It has ended, with all that descends from it, when the call of `cancel` that cancelled the token
    ///   returns. A token that was cancelled before gives a context that has ended on return.
    /// - Cancellation goes downwards only: the end of this context does not cancel the token. To be
    ///   cancelled along with the token's siblings, hand out [`child_token`](CancellationToken::child_token)s.
    /// - It costs no task and needs no runtime. It leaves the token when it is dropped, or with its last
    ///   handle if it was [detached](CancelScope::detach), so a million contexts under one long-lived token
    ///   leave memory flat.
    ///
    /// # Examples
    ///
    /// ```
    /// use ctx::Context;
    /// use tokio_util::sync::CancellationToken;
    ///
    /// let shutdown = CancellationToken::new(); // the application's, from before it knew contexts
    /// let request = Context::background().with_token(shutdown.clone());
    /// let query = request.with_cancel();
    /// query.cancel();
    /// assert!(!shutdown.is_cancelled() && !request.is_cancelled());
    /// shutdown.cancel();
    /// assert!(request.is_cancelled());
    /// ```
    #[track_caller]
    pub fn with_token(&self, token: CancellationToken) -> CancelScope {
        let made = Made::new(How::Token, Location::caller());
        let node = derive::bridge(self.node(), made);
        if let Some(scope) = ScopeRef::of(&node) {
            courier::follow(scope, token);
        }
        CancelScope::new(node)
    }
}
