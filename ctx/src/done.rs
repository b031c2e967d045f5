//! Waiting for the end of a context.

use crate::{context::Context, error::Cancelled, watch::Watch};
use std::{
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context as TaskContext, Poll, Wake, Waker},
    thread::{self, Thread},
};

/// The future of [`Context::done`]: ready once the context has ended, and again on every later poll.
///
/// # Cancel safety
///
/// Safe: dropping it loses nothing.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let scope = ctx::Context::background().with_cancel();
/// scope.cancel();
/// let mut done = scope.done();
/// assert!(!(&mut done).await.is_deadline_exceeded());
/// assert!(!done.await.is_deadline_exceeded(), "it may be polled again");
/// # }
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct Done<'a> {
    waiter: Waiter<&'a Context>,
}

/// The future of [`Context::done_owned`]: [`Done`], borrowing nothing.
///
/// # Cancel safety
///
/// Safe: dropping it loses nothing.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let done = ctx::Context::background().with_cancel().done_owned();
/// assert_eq!(done.await.trigger(), ctx::Trigger::Dropped);
/// # }
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct DoneOwned {
    waiter: Waiter<Context>,
}

impl<'a> Done<'a> {
    pub(crate) fn new(context: &'a Context) -> Self {
        let waiter = Waiter::new(context);
        Self { waiter }
    }
}

impl DoneOwned {
    pub(crate) fn new(context: Context) -> Self {
        let waiter = Waiter::new(context);
        Self { waiter }
    }
}

impl Future for Done<'_> {
    type Output = Cancelled;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Cancelled> {
        self.waiter.poll(cx)
    }
}

impl Future for DoneOwned {
    type Output = Cancelled;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Cancelled> {
        self.waiter.poll(cx)
    }
}

impl fmt::Debug for Done<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Done").field(self.waiter.context).finish()
    }
}

impl fmt::Debug for DoneOwned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DoneOwned")
            .field(&self.waiter.context)
            .finish()
    }
}

impl std::panic::UnwindSafe for Done<'_> {}
impl std::panic::RefUnwindSafe for Done<'_> {}
impl std::panic::UnwindSafe for DoneOwned {}
impl std::panic::RefUnwindSafe for DoneOwned {}

/// Both of them: a context, borrowed or owned, and what waiting on it needs.
struct Waiter<C: AsRef<Context>> {
    context: C,
    watch: Watch,
}

impl<C: AsRef<Context>> Waiter<C> {
    fn new(context: C) -> Self {
        Self {
            context,
            watch: Watch::new(),
        }
    }

    fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<Cancelled> {
        match self.context.as_ref().scope() {
            Some(scope) => self
                .watch
                .poll(scope, cx)
                .map(|end| Cancelled::of(end, None)),
            None => Poll::Pending,
        }
    }
}

impl<C: AsRef<Context>> Drop for Waiter<C> {
    fn drop(&mut self) {
        if let Some(scope) = self.context.as_ref().scope() {
            self.watch.clear(scope);
        }
    }
}

impl AsRef<Context> for Context {
    fn as_ref(&self) -> &Context {
        self
    }
}

/// Polls `done()` on this thread, which sleeps between the polls.
///
/// The sleep is bounded by the time left, so that a deadline ends it even on a thread that drives the
/// runtime whose timer would have to ring.
pub(crate) fn park_until_done(context: &Context) -> Cancelled {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = TaskContext::from_waker(&waker);
    let mut done = pin!(context.done());
    loop {
        if let Poll::Ready(cancelled) = done.as_mut().poll(&mut cx) {
            return cancelled;
        }
        match context.remaining() {
            Some(left) => thread::park_timeout(left),
            None => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}
