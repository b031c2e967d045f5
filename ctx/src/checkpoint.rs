//! Running a future until its context ends.

use crate::{
    context::Context,
    error::Cancelled,
    few::Few,
    keeper::{Keeper, Mode},
    state::Record,
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
pub(crate) trait Site {
    fn context(&self) -> &Context;
    fn at(&self) -> &'static Location<'static>;
}

/// A site of one checkpoint. `C` is a context, borrowed or owned.
pub(crate) struct Here<C> {
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
    pub(crate) struct Checkpoint<S, F>
    where
        S: Site,
    {
        site: S,
        keeper: Keeper,
        // `None` once it was given up.
        #[pin]
        future: Option<F>,
    }

    impl<S, F> PinnedDrop for Checkpoint<S, F>
    where
        S: Site,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.keeper.is_idle() {
                return;
            }
            let dropping = this.keeper.dropping();
            if dropping.is_some() {
                this.future.set(None);
            }
            this.keeper.give_up(this.site.context(), dropping, Few::new(), None);
        }
    }
}

impl<S: Site, F> Checkpoint<S, F> {
    pub(crate) fn new(site: S, mode: Mode, future: F) -> Self {
        Self {
            site,
            keeper: Keeper::new(mode),
            future: Some(future),
        }
    }

    pub(crate) fn site(&self) -> &S {
        &self.site
    }
}

impl<S: Site, F: Future> Future for Checkpoint<S, F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let context = this.site.context();
        let late = |record: Record| Err(record.cancelled.noticed(this.site.at()));
        if !this.keeper.has_started() {
            if let Some(record) = ready!(this.keeper.start(context, cx)) {
                this.future.set(None);
                return Poll::Ready(late(record));
            }
        }
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            // It was given up in an earlier poll, and a context that ended stays so.
            return context
                .observe()
                .map_or(Poll::Pending, |it| Poll::Ready(late(it)));
        };
        let Some(line) = context.line() else {
            return future.poll(cx).map(Ok);
        };
        let asking = this.keeper.ask(line, cx.waker());
        let polled = future.poll(cx);
        let heard = asking.leave();
        if let Poll::Ready(output) = polled {
            this.keeper.deliver(context, heard, cx.waker());
            return Poll::Ready(Ok(output));
        }
        if this.keeper.stays_answered(line, &heard, cx.waker()) {
            return Poll::Pending;
        }
        let mut wakers = Few::new();
        let Some(record) = this.keeper.stay(line, heard, &mut wakers, cx) else {
            return Poll::Pending;
        };
        let dropping = this.keeper.dropping();
        this.future.set(None);
        this.keeper
            .give_up(context, dropping, wakers, Some(cx.waker()));
        Poll::Ready(late(record))
    }
}

pin_project! {
    /// The future of [`Context::run_until_cancelled`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future inside, and nothing else.
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
            .field(self.checkpoint.site().context())
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for RunUntilCancelledOwned<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunUntilCancelledOwned")
            .field(self.checkpoint.site().context())
            .finish_non_exhaustive()
    }
}
