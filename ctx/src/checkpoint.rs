//! Running a future until its context ends.

use crate::{
    advance::{Step, advance},
    context::Context,
    error::Cancelled,
    keeper::{Keeper, Mode, Parts},
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    panic::Location,
    pin::Pin,
    task::{Context as TaskContext, Poll},
};

/// Where a checkpoint stands: on which context, and at which line; and who keeps its state.
pub trait Site: Parts {
    /// What is returned of it once its future was given up.
    type Error;
    /// What is left of it then.
    type Left;
    /// The line that its error names, for tests that listen.
    #[cfg(feature = "testing")]
    fn at(&self) -> &'static Location<'static>;
    /// It gives up, as the context has ended.
    fn give_up(&mut self) -> (Self::Left, Self::Error);
    /// The error once more, for who polls again.
    fn again(left: &Self::Left) -> Self::Error;

    /// Tells tests that listen that the checkpoint is about to start.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    fn tell(&mut self) {
        let at = self.at();
        let (context, keeper) = self.parts();
        if !keeper.has_started() {
            crate::probe::starts(keeper, context, at);
        }
    }
}

/// A site of one checkpoint. `C` is a context, borrowed or owned.
pub struct Here<C> {
    keeper: Keeper,
    context: C,
    at: &'static Location<'static>,
}

impl<C: AsRef<Context>> Here<C> {
    pub(crate) fn new(context: C, at: &'static Location<'static>, mode: Mode) -> Self {
        Self {
            keeper: Keeper::new(mode),
            context,
            at,
        }
    }
}

impl<C: AsRef<Context>> Parts for Here<C> {
    #[inline]
    fn parts(&mut self) -> (&Context, &mut Keeper) {
        (self.context.as_ref(), &mut self.keeper)
    }

    // It is bare here, and the compiler is told so.
    #[inline]
    fn is_done(&mut self) {
        self.keeper.owes_nothing();
        self.keeper.is_over();
    }

    #[inline]
    fn is_delivered(&mut self) {
        self.keeper.is_over();
    }
}

impl<C: AsRef<Context> + Clone> Site for Here<C> {
    type Error = Cancelled;
    type Left = GaveUpHere<C>;

    #[cfg(feature = "testing")]
    fn at(&self) -> &'static Location<'static> {
        self.at
    }

    fn give_up(&mut self) -> (GaveUpHere<C>, Cancelled) {
        let left = GaveUpHere {
            context: self.context.clone(),
            at: self.at,
        };
        let cancelled = Self::again(&left);
        (left, cancelled)
    }

    // A context that ended stays so.
    fn again(left: &GaveUpHere<C>) -> Cancelled {
        Cancelled::of(Keeper::refusal(left.context.as_ref()), Some(left.at))
    }
}

/// What is left of a site of one checkpoint. It is nothing that has to be dropped where the context is borrowed, so that a
/// checkpoint which is over costs one look.
pub struct GaveUpHere<C> {
    context: C,
    at: &'static Location<'static>,
}

pin_project! {
    /// Every checkpoint there is: a future, and who decides whether it goes on.
    ///
    /// It is one type around its future and no more, since each layer counts twice: in the size of the
    /// futures around it, and in how deep calls may be nested before rustc no longer sees that they are
    /// `Send`. So it is an enum, and the order of the fields is the order in which they are dropped: the
    /// site, with the keeper, stands for the checkpoint until the future is gone.
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
            // Where it stands.
            site: S,
        },
        // It gave its future up.
        Over {
            left: S::Left,
        },
    }

    impl<S, F> PinnedDrop for Checkpoint<S, F>
    where
        S: Site,
    {
        fn drop(this: Pin<&mut Self>) {
            if let Stage::Live { site, .. } = this.project() {
                let (context, keeper) = site.parts();
                keeper.goes(context);
            }
        }
    }
}

impl<S: Site, F> Checkpoint<S, F> {
    pub(crate) fn new(site: S, future: F) -> Self {
        Self::Live { future, site }
    }

    /// Where it stands, until it is over.
    fn site(&self) -> Option<&S> {
        match self {
            Self::Live { site, .. } => Some(site),
            Self::Over { .. } => None,
        }
    }
}

impl<S: Site, F: Future> Future for Checkpoint<S, F> {
    type Output = Result<F::Output, S::Error>;

    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(
        not(debug_assertions),
        inline(always),
        expect(clippy::inline_always, reason = "see `InBody::poll`")
    )]
    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        #[cfg(feature = "testing")]
        if let Stage::Live { site, .. } = self.as_mut().project() {
            site.tell();
        }
        let (left, error) = match self.as_mut().project() {
            Stage::Over { left } => return Poll::Ready(Err(S::again(left))),
            Stage::Live { future, site } => match advance(future, site, cx) {
                Step::Pending => return Poll::Pending,
                Step::Ready(output) => return Poll::Ready(Ok(output)),
                Step::GivesUp => site.give_up(),
            },
        };
        // This drops the future, before the error is returned (rule C4).
        self.set(Self::Over { left });
        Poll::Ready(Err(error))
    }
}

pin_project! {
    /// The future of [`Context::run_until_cancelled`].
    ///
    /// Awaited once more after it was ready, as the `next` of a stream may be, it starts once more. After it was given up
    /// it gives the same error again.
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
    /// Awaited once more after it was ready, as the `next` of a stream may be, it starts once more. After it was given up
    /// it gives the same error again.
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
        let checkpoint = Checkpoint::new(Here::new(context, at, Mode::Race), future);
        Self { checkpoint }
    }
}

impl<F> RunUntilCancelledOwned<F> {
    pub(crate) fn new(context: Context, at: &'static Location<'static>, future: F) -> Self {
        let checkpoint = Checkpoint::new(Here::new(context, at, Mode::Race), future);
        Self { checkpoint }
    }
}

impl<F: Future> Future for RunUntilCancelled<'_, F> {
    type Output = Result<F::Output, Cancelled>;

    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(
        not(debug_assertions),
        inline(always),
        expect(clippy::inline_always, reason = "see `InBody::poll`")
    )]
    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.project().checkpoint.poll(cx)
    }
}

impl<F: Future> Future for RunUntilCancelledOwned<F> {
    type Output = Result<F::Output, Cancelled>;

    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(
        not(debug_assertions),
        inline(always),
        expect(clippy::inline_always, reason = "see `InBody::poll`")
    )]
    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.project().checkpoint.poll(cx)
    }
}

impl<F> fmt::Debug for RunUntilCancelled<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunUntilCancelled")
            .field(&self.checkpoint.site().map(|site| &site.context))
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for RunUntilCancelledOwned<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunUntilCancelledOwned")
            .field(&self.checkpoint.site().map(|site| &site.context))
            .finish_non_exhaustive()
    }
}
