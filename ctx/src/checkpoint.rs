//! Running a future until its context ends.

use crate::{
    context::Context,
    end::Record,
    error::Cancelled,
    few::Few,
    keeper::{Keeper, Mode},
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    panic::Location,
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};

/// Where a checkpoint stands: on which context, and at which line.
pub trait Site {
    /// The context whose end it waits for.
    fn context(&self) -> &Context;
    /// The line that its error names.
    fn at(&self) -> &'static Location<'static>;
}

/// A site of one checkpoint. `C` is a context, borrowed or owned.
pub struct Here<C> {
    pub(crate) context: C,
    pub(crate) at: &'static Location<'static>,
}

impl<C: AsRef<Context>> Site for Here<C> {
    fn context(&self) -> &Context {
        self.context.as_ref()
    }

    fn at(&self) -> &'static Location<'static> {
        self.at
    }
}

pin_project! {
    /// Every checkpoint there is: a future, and who decides whether it goes on.
    ///
    /// It is one type around its future and no more, since each layer counts twice: in the size of the
    /// futures around it, and in how deep calls may be nested before rustc no longer sees that they are
    /// `Send`. So it is an enum, and the order of the fields is the order in which they are dropped: the
    /// keeper stands for the checkpoint until the future is gone.
    #[doc(hidden)]
    #[project = Stage]
    #[must_use = "futures do nothing unless polled"]
    pub enum Checkpoint<S, F>
    where
        S: Site,
    {
        // Not decided yet.
        Live {
            // What it guards.
            #[pin]
            future: F,
            // What it has heard and promised.
            keeper: Keeper,
            // Where it stands.
            site: S,
        },
        // It gave its future up.
        Over {
            // The error that it returned.
            cancelled: Cancelled,
        },
    }

    impl<S, F> PinnedDrop for Checkpoint<S, F>
    where
        S: Site,
    {
        fn drop(this: Pin<&mut Self>) {
            if let Stage::Live { keeper, site, .. } = this.project() {
                if !keeper.is_idle() {
                    keeper.close(site.context());
                }
            }
        }
    }
}

impl<S: Site, F> Checkpoint<S, F> {
    pub(crate) fn new(site: S, mode: Mode, future: F) -> Self {
        Self::Live {
            future,
            keeper: Keeper::new(mode),
            site,
        }
    }

    /// Where it stands, until it is over.
    fn site(&self) -> Option<&S> {
        match self {
            Self::Live { site, .. } => Some(site),
            Self::Over { .. } => None,
        }
    }
}

/// One poll of a live checkpoint: its future's output, or the record of what ended its context. Then the
/// keeper is ready for the future to be dropped.
fn advance<S: Site, F: Future>(
    future: Pin<&mut F>,
    keeper: &mut Keeper,
    site: &S,
    cx: &mut TaskContext<'_>,
) -> Poll<Result<F::Output, Record>> {
    let context = site.context();
    if !keeper.has_started() {
        if let Some(record) = ready!(keeper.start(context, cx)) {
            return Poll::Ready(Err(record));
        }
    }
    let Some(line) = context.line() else {
        return future.poll(cx).map(Ok);
    };
    let asking = keeper.ask(line, cx.waker());
    if let Poll::Ready(output) = future.poll(cx) {
        keeper.deliver(context, asking.leave(), cx.waker());
        return Poll::Ready(Ok(output));
    }
    let Some(heard) = keeper.leave_pending(asking, line, cx.waker()) else {
        return Poll::Pending;
    };
    let mut wakers = Few::new();
    let Some(record) = keeper.stay(line, heard, &mut wakers, cx) else {
        return Poll::Pending;
    };
    keeper.part(wakers, cx.waker());
    Poll::Ready(Err(record))
}

impl<S: Site, F: Future> Future for Checkpoint<S, F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let cancelled = match self.as_mut().project() {
            // A context that ended stays so.
            Stage::Over { cancelled } => return Poll::Ready(Err(cancelled.clone())),
            Stage::Live {
                future,
                keeper,
                site,
            } => match ready!(advance(future, keeper, site, cx)) {
                Ok(output) => return Poll::Ready(Ok(output)),
                Err(record) => record.cancelled.noticed(site.at()),
            },
        };
        // This drops the future, before the error is returned (rule C4).
        self.set(Self::Over {
            cancelled: cancelled.clone(),
        });
        Poll::Ready(Err(cancelled))
    }
}

pin_project! {
    /// The future of [`Context::run_until_cancelled`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future inside, and nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let ctx = ctx::Context::background();
    /// assert_eq!(ctx.run_until_cancelled(async { 7 }).await.unwrap(), 7);
    /// # }
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct RunUntilCancelled<'a, F> {
        #[pin]
        checkpoint: Checkpoint<Here<&'a Context>, F>,
    }
}

pin_project! {
    /// The future of [`Context::run_until_cancelled_owned`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future inside, and nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let ctx = ctx::Context::background();
    /// assert_eq!(ctx.run_until_cancelled_owned(async { 7 }).await.unwrap(), 7);
    /// # }
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct RunUntilCancelledOwned<F> {
        #[pin]
        checkpoint: Checkpoint<Here<Context>, F>,
    }
}

impl<'a, F> RunUntilCancelled<'a, F> {
    pub(crate) fn new(context: &'a Context, at: &'static Location<'static>, future: F) -> Self {
        let checkpoint = Checkpoint::new(Here { context, at }, Mode::Race, future);
        Self { checkpoint }
    }
}

impl<F> RunUntilCancelledOwned<F> {
    pub(crate) fn new(context: Context, at: &'static Location<'static>, future: F) -> Self {
        let checkpoint = Checkpoint::new(Here { context, at }, Mode::Race, future);
        Self { checkpoint }
    }
}

impl<F: Future> Future for RunUntilCancelled<'_, F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.project().checkpoint.poll(cx)
    }
}

impl<F: Future> Future for RunUntilCancelledOwned<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.project().checkpoint.poll(cx)
    }
}

impl<F> fmt::Debug for RunUntilCancelled<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunUntilCancelled")
            .field(&self.checkpoint.site().map(Site::context))
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for RunUntilCancelledOwned<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunUntilCancelledOwned")
            .field(&self.checkpoint.site().map(Site::context))
            .finish_non_exhaustive()
    }
}
