//! The context itself: a handle that documents and delegates.

use crate::{
    callback::OnCancel,
    chain,
    checkpoint::{RunUntilCancelled, RunUntilCancelledOwned},
    derive::{self, Made},
    done::{self, Done, DoneOwned},
    error::{BoxError, Cancelled, Cause, cause_from},
    layer,
    node::{Address, How, Kind, Node, ScopeRef, address, values},
    scope::CancelScope,
    state::State,
    tree,
    value::Key,
    verdict,
};
use std::{fmt, panic::Location, sync::Arc, time::Duration};
use tokio::time::Instant;

/// What a request carries down: its cancellation, its deadline and its values.
///
/// A context is never absent and never changes, except that it ends once: by its owner's call, by its
/// deadline, or because a context above it ended. Deriving makes a new one below it; cancelling goes down
/// the tree, never up or sideways. It is one pointer wide, cheap to clone and free to share.
///
/// Pass it as the first parameter and do not store it in a struct, with one exception: a struct that *is*
/// one request may hold that request's context.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use ctx::{Context, ctx_value};
///
/// ctx_value! { REQUEST_ID: u64; }
///
/// let request = Context::background()
///     .with_value(&REQUEST_ID, 7)
///     .with_timeout(Duration::from_secs(2));
/// let query = request.with_cancel();
/// request.cancel_with("client disconnected");
/// assert!(query.is_cancelled());
/// assert_eq!(query.value(&REQUEST_ID), Some(&7));
/// ```
#[derive(Clone, Default)]
pub struct Context {
    /// `None` is background.
    node: Option<Arc<Node>>,
}

// A context changes only in one step, which foreign code cannot interrupt, so a panic elsewhere cannot
// leave it half done. The values are only ever shared by reference; the same is asked of every `Arc`.
impl std::panic::UnwindSafe for Context {}
impl std::panic::RefUnwindSafe for Context {}

impl Context {
    /// The context that never ends, has no deadline and carries no value: the root of every tree.
    ///
    /// # Examples
    ///
    /// ```
    /// static ROOT: ctx::Context = ctx::Context::background();
    /// assert!(!ROOT.is_cancelled());
    /// ```
    #[must_use]
    pub const fn background() -> Context {
        Context { node: None }
    }

    /// [`background`](Self::background), where it is not clear yet which context to use: for the reader,
    /// and for grep.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(ctx::Context::todo().err().is_none());
    /// ```
    #[must_use]
    pub const fn todo() -> Context {
        Context::background()
    }

    /// A context below this one that its owner can cancel. It ends when the returned scope is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// let parent = ctx::Context::background().with_cancel();
    /// let child = parent.with_cancel();
    /// parent.cancel();
    /// assert!(child.is_cancelled());
    /// ```
    #[track_caller]
    pub fn with_cancel(&self) -> CancelScope {
        self.derive(Made::new(How::Cancel, Location::caller()), None)
    }

    /// A context below this one that ends at `at`, if nothing ends it earlier.
    ///
    /// An instant that has passed, or is now, gives a context that has ended on return. The earlier
    /// deadline of parent and child wins; on a tie the parent's error does.
    ///
    /// # Examples
    ///
    /// ```
    /// use ctx::{Context, Instant};
    ///
    /// let ctx = Context::background().with_deadline(Instant::now());
    /// assert!(ctx.err().unwrap().is_deadline_exceeded());
    /// ```
    #[track_caller]
    pub fn with_deadline(&self, at: Instant) -> CancelScope {
        self.derive(Made::new(How::Deadline, Location::caller()), Some(at))
    }

    /// A context below this one that ends `after` from now, if nothing ends it earlier.
    ///
    /// Zero gives a context that has ended on return. A duration that reaches beyond the end of time, such
    /// as [`Duration::MAX`], sets no deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let ctx = ctx::Context::background().with_timeout(Duration::from_secs(1));
    /// assert!(ctx.remaining().unwrap() <= Duration::from_secs(1));
    /// ```
    #[track_caller]
    pub fn with_timeout(&self, after: Duration) -> CancelScope {
        let made = Made::within(after, Location::caller());
        self.derive(made, Instant::now().checked_add(after))
    }

    /// [`with_deadline`](Self::with_deadline), with the cause to be given if the deadline ends it.
    ///
    /// # Examples
    ///
    /// ```
    /// use ctx::{Context, Instant};
    ///
    /// let ctx = Context::background().with_deadline_cause(Instant::now(), "maintenance window");
    /// assert_eq!(ctx.err().unwrap().cause().unwrap().to_string(), "maintenance window");
    /// ```
    #[track_caller]
    pub fn with_deadline_cause(&self, at: Instant, cause: impl Into<BoxError>) -> CancelScope {
        let made = Made::new(How::Deadline, Location::caller());
        self.derive_caused(made, Some(at), cause_from(cause))
    }

    /// [`with_timeout`](Self::with_timeout), with the cause to be given if the deadline ends it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let ctx = ctx::Context::background().with_timeout_cause(Duration::ZERO, "price lookup budget");
    /// assert_eq!(ctx.err().unwrap().cause().unwrap().to_string(), "price lookup budget");
    /// ```
    #[track_caller]
    pub fn with_timeout_cause(&self, after: Duration, cause: impl Into<BoxError>) -> CancelScope {
        let made = Made::within(after, Location::caller());
        let cause = cause_from(cause);
        self.derive_caused(made, Instant::now().checked_add(after), cause)
    }

    /// A context below both this one and `other`: whichever ends first ends it.
    ///
    /// On a tie, and if both had ended before, this one's error wins; a deadline counts as earlier than a
    /// call at the same instant. The values are this one's.
    ///
    /// # Examples
    ///
    /// ```
    /// use ctx::Context;
    ///
    /// let request = Context::background().with_cancel();
    /// let shutdown = Context::background().with_cancel();
    /// let both = request.merge(&shutdown);
    /// shutdown.cancel_with("shutting down");
    /// assert_eq!(both.err().unwrap().cause().unwrap().to_string(), "shutting down");
    /// assert!(!request.is_cancelled());
    /// ```
    #[track_caller]
    pub fn merge(&self, other: &Context) -> CancelScope {
        CancelScope::new(derive::merge(
            self.node.as_ref(),
            other.node.as_ref(),
            Location::caller(),
        ))
    }

    /// This context with one value more. It ends when this one ends.
    ///
    /// The nearest value under a key wins; contexts beside this one do not see it. It stays readable after
    /// the context has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// ctx::ctx_value! { USER: String; }
    ///
    /// let ctx = ctx::Context::background().with_value(&USER, "ada".to_owned());
    /// assert_eq!(ctx.value(&USER).unwrap(), "ada");
    /// ```
    #[must_use]
    pub fn with_value<T: Send + Sync + 'static>(&self, key: &'static Key<T>, value: T) -> Context {
        Self::from_node(layer::add(self.node.as_ref(), key, value))
    }

    /// The values of this context, without its end: no deadline, and no cancellation reaches it.
    ///
    /// For work that must outlive the request, such as an audit record. A checkpoint on it shields what it
    /// awaits from every checkpoint around it.
    ///
    /// # Examples
    ///
    /// ```
    /// let request = ctx::Context::background().with_cancel();
    /// let audit = request.without_cancel();
    /// request.cancel();
    /// assert!(!audit.is_cancelled());
    /// ```
    #[must_use]
    pub fn without_cancel(&self) -> Context {
        let Some(up) = &self.node else {
            return Self::background();
        };
        Self::from_node(Node::not_a_scope(
            State::shield(),
            Some(Arc::clone(up)),
            values(up).cloned(),
            Kind::Shield,
        ))
    }

    /// When this context ends by itself: the earliest deadline from here up.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let outer = ctx::Context::background().with_timeout(Duration::from_secs(1));
    /// let inner = outer.with_timeout(Duration::from_secs(60));
    /// assert_eq!(inner.deadline(), outer.deadline());
    /// ```
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.scope()?.own.deadline
    }

    /// The time until [`deadline`](Self::deadline): zero once it has passed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let ctx = ctx::Context::background().with_timeout(Duration::ZERO);
    /// assert_eq!(ctx.remaining(), Some(Duration::ZERO));
    /// ```
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        Some(self.deadline()?.saturating_duration_since(Instant::now()))
    }

    /// Whether this context has ended.
    ///
    /// It is exact: it never says "live" after the deadline has passed, even if no timer has run. It
    /// never blocks behind a cancellation at work, and wakes nobody.
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = ctx::Context::background().with_cancel();
    /// assert!(!scope.is_cancelled());
    /// scope.cancel();
    /// assert!(scope.is_cancelled());
    /// ```
    #[must_use]
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.node.as_ref().is_some_and(tree::has_ended)
    }

    /// What ended this context, or `None` while it is live. Once it is `Some`, it stays as it is.
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = ctx::Context::background().with_cancel();
    /// assert!(scope.err().is_none());
    /// scope.cancel();
    /// assert_eq!(scope.err().unwrap().to_string(), "context cancelled");
    /// ```
    #[must_use]
    #[inline]
    pub fn err(&self) -> Option<Cancelled> {
        if !self.is_cancelled() {
            return None;
        }
        Some(Cancelled::of(verdict::end_of(self.line()?), None))
    }

    /// [`err`](Self::err) as a `Result`: the checkpoint for loops and for blocking code. The error
    /// names the line of this call.
    ///
    /// # Errors
    ///
    /// [`Cancelled`], if the context has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// fn sum(ctx: &ctx::Context, numbers: &[u64]) -> Result<u64, ctx::Cancelled> {
    ///     let mut sum = 0;
    ///     for number in numbers {
    ///         ctx.check()?;
    ///         sum += number;
    ///     }
    ///     Ok(sum)
    /// }
    ///
    /// assert_eq!(sum(&ctx::Context::background(), &[1, 2, 3]).unwrap(), 6);
    /// ```
    #[track_caller]
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is mostly a look at one word")]
    pub fn check(&self) -> Result<(), Cancelled> {
        #[cfg(feature = "testing")]
        crate::probe::checks(self, Location::caller());
        if !self.is_cancelled() {
            return Ok(());
        }
        match self.line() {
            Some(line) => Err(Cancelled::of(
                verdict::end_of(line),
                Some(Location::caller()),
            )),
            None => Ok(()),
        }
    }

    /// The nearest value under `key`, or the key's default.
    ///
    /// A look-up takes the same time at any depth of the tree, hit or miss.
    ///
    /// # Examples
    ///
    /// ```
    /// ctx::ctx_value! { USER: String; LOCALE: &'static str = "en"; }
    ///
    /// let ctx = ctx::Context::background();
    /// assert_eq!(ctx.value(&USER), None);
    /// assert_eq!(ctx.value(&LOCALE), Some(&"en"));
    /// ```
    #[must_use]
    pub fn value<T: Send + Sync + 'static>(&self, key: &'static Key<T>) -> Option<&T> {
        key.get(self)
    }

    /// Waits for the end of this context and says what ended it. On background it waits forever.
    ///
    /// It is a signal, not a checkpoint: a checkpoint around it does not leave its decision to it. So an `.await` on it that
    /// is a checkpoint on the same context gives this value only where the context ends in the meantime, and returns from the
    /// function where it has ended before. Who wants to hear of the end and go on awaits it under `#[checkpoints(none)]`, and
    /// the `select!` too that it is a branch of.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropping it loses nothing, and polling it again after it was ready is ready again.
    ///
    /// # Panics
    ///
    /// When polled inside a tokio runtime built without `enable_time`, if the context has a deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let scope = ctx::Context::background().with_cancel();
    /// let ctx = scope.clone();
    /// let waiter = tokio::spawn(async move { ctx.done().await });
    /// scope.cancel_with("enough");
    /// assert_eq!(waiter.await.unwrap().cause().unwrap().to_string(), "enough");
    /// # }
    /// ```
    pub fn done(&self) -> Done<'_> {
        Done::new(self)
    }

    /// [`done`](Self::done), as a future that borrows nothing.
    ///
    /// # Cancel safety
    ///
    /// As for [`done`](Self::done).
    ///
    /// # Panics
    ///
    /// As for [`done`](Self::done).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let scope = ctx::Context::background().with_cancel();
    /// let waiter = tokio::spawn(scope.done_owned());
    /// scope.cancel();
    /// assert!(!waiter.await.unwrap().is_deadline_exceeded());
    /// # }
    /// ```
    pub fn done_owned(&self) -> DoneOwned {
        DoneOwned::new(self.clone())
    }

    /// Parks the thread until this context ends: for code outside a runtime. On background it never
    /// returns.
    ///
    /// On a thread that drives a runtime it keeps that runtime from running.
    ///
    /// # Panics
    ///
    /// Inside a tokio runtime built without `enable_time`, if the context has a deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let ctx = ctx::Context::background().with_timeout(Duration::from_millis(5));
    /// assert!(ctx.blocking_done().is_deadline_exceeded());
    /// ```
    #[expect(clippy::must_use_candidate, reason = "some callers only wait")]
    pub fn blocking_done(&self) -> Cancelled {
        done::park_until_done(self)
    }

    /// Runs `future` until it is ready or this context ends: the macro's checkpoint, by hand.
    ///
    /// - A context that has ended starts nothing: the future is not polled at all.
    /// - A result wins: a future that is ready gives its output, even if the context ended meanwhile.
    /// - The innermost checkpoint decides: while the future itself waits at a checkpoint on this context
    ///   or on one below it, this one leaves the decision to it.
    /// - On cancellation the future is dropped first, then the error is returned.
    /// - Starting costs one unit of tokio's cooperative budget, so a loop of ready futures yields.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped at one of its own awaits, so what is not cancel safe in it is not made so:
    /// wrap that in a checkpoint on [`without_cancel`](Self::without_cancel).
    ///
    /// # Errors
    ///
    /// [`Cancelled`], naming the line of this call, if the context ended before the future was ready.
    ///
    /// # Panics
    ///
    /// When polled inside a tokio runtime built without `enable_time`, if the context has a deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::{future::pending, time::Duration};
    ///
    /// let ctx = ctx::Context::background().with_timeout(Duration::from_millis(5));
    /// assert_eq!(ctx.run_until_cancelled(async { 7 }).await.unwrap(), 7);
    /// let late = ctx.run_until_cancelled(pending::<()>()).await.unwrap_err();
    /// assert!(late.is_deadline_exceeded() && late.noticed_at().is_some());
    /// # }
    /// ```
    #[track_caller]
    pub fn run_until_cancelled<F: IntoFuture>(
        &self,
        future: F,
    ) -> RunUntilCancelled<'_, F::IntoFuture> {
        RunUntilCancelled::new(self, Location::caller(), future.into_future())
    }

    /// [`run_until_cancelled`](Self::run_until_cancelled), as a future that borrows no context: it is
    /// `'static` when `future` is.
    ///
    /// # Cancel safety
    ///
    /// As for [`run_until_cancelled`](Self::run_until_cancelled).
    ///
    /// # Errors
    ///
    /// As for [`run_until_cancelled`](Self::run_until_cancelled).
    ///
    /// # Panics
    ///
    /// As for [`run_until_cancelled`](Self::run_until_cancelled).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let scope = ctx::Context::background().with_cancel();
    /// let task = tokio::spawn(scope.run_until_cancelled_owned(std::future::pending::<()>()));
    /// scope.cancel();
    /// assert!(task.await.unwrap().is_err());
    /// # }
    /// ```
    #[track_caller]
    pub fn run_until_cancelled_owned<F: IntoFuture>(
        &self,
        future: F,
    ) -> RunUntilCancelledOwned<F::IntoFuture> {
        RunUntilCancelledOwned::new(self.clone(), Location::caller(), future.into_future())
    }

    /// Runs `f` once, after this context has ended; at once if it has already.
    ///
    /// `f` never runs on the canceller's stack, so `cancel` returns though `f` blocks: it runs on a task
    /// of the tokio runtime that is current here, or on a thread of its own outside one, or if that
    /// runtime is gone by then. (Where the process can have no more threads it runs all the same, on whatever thread asked
    /// for one.) The callbacks of one context registered on one runtime run one after
    /// another, in the order of registration, and a panic in one does not keep the next from running.
    ///
    /// Unlike in Go, dropping the hook stops it: keep it, or [`detach`](OnCancel::detach) it. A pending
    /// callback keeps its context alive.
    ///
    /// # Panics
    ///
    /// Inside a tokio runtime built without `enable_time`, if the context has a deadline and is live.
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = ctx::Context::background().with_cancel();
    /// let (tell, told) = std::sync::mpsc::channel();
    /// let hook = scope.on_cancel(move |cancelled| tell.send(cancelled).unwrap());
    /// scope.cancel();
    /// assert!(!told.recv().unwrap().is_deadline_exceeded());
    /// assert!(!hook.stop(), "it has run");
    /// ```
    pub fn on_cancel(&self, f: impl FnOnce(Cancelled) + Send + 'static) -> OnCancel {
        OnCancel::new(self, Box::new(f))
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "each caller knows most of what is asked"
    )]
    fn derive(&self, made: Made, deadline: Option<Instant>) -> CancelScope {
        CancelScope::new(derive::derive(self.node.as_ref(), made, deadline))
    }

    fn derive_caused(&self, made: Made, deadline: Option<Instant>, cause: Cause) -> CancelScope {
        let up = self.node.as_ref();
        CancelScope::new(derive::derive_caused(up, made, deadline, cause))
    }

    pub(crate) fn from_node(node: Arc<Node>) -> Self {
        Self { node: Some(node) }
    }

    #[inline]
    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        self.node.as_ref()
    }

    /// The nearest scope or shield.
    #[inline]
    pub(crate) fn line(&self) -> Option<&Arc<Node>> {
        crate::node::line(self.node.as_ref()?)
    }

    /// The address of the nearest scope or shield, if there is one.
    #[inline]
    pub(crate) fn line_address(&self) -> Option<Address> {
        self.line().map(address)
    }

    /// The same if it is a scope or a shield itself.
    #[inline]
    pub(crate) fn own_line_address(&self) -> Option<Address> {
        let node = self.node.as_ref()?;
        (!node.state.load().is_aside()).then(|| address(node))
    }

    /// The same if it is a scope or a shield itself, and a glance tells that it is live.
    #[inline]
    pub(crate) fn live_line_address(&self) -> Option<Address> {
        let node = self.node.as_ref()?;
        tree::is_live_line(node).then(|| address(node))
    }

    /// The same if it has a deadline, and the clock tells that it is live.
    #[inline]
    pub(crate) fn line_address_in_time(&self) -> Option<Address> {
        let node = self.node.as_ref()?;
        tree::is_line_in_time(node).then(|| address(node))
    }

    /// Whether its line is live, and will be told of its end, and time cannot end it.
    #[inline]
    pub(crate) fn is_on_quiet_line(&self) -> bool {
        let is_quiet = |node: &Arc<Node>| node.state.load().is_quiet();
        // Mostly it is its own line, and one look tells both, as a layer of values is never quiet.
        self.node.as_ref().is_some_and(is_quiet) || self.line().is_some_and(is_quiet)
    }

    /// The scope whose end is this context's end.
    #[inline]
    pub(crate) fn scope(&self) -> Option<ScopeRef<'_>> {
        ScopeRef::of(self.line()?)
    }
}

/// The chain of derivations, as in
/// `Background.with_value(REQUEST_ID).with_timeout(2s, 1.2s left, src/main.rs:31)`: call sites and names
/// of keys, never a value, unless its key opted in.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        chain::print(self.node.as_ref(), f)
    }
}
