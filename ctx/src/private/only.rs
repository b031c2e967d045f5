//! The checkpoint of a function that has one await, which nothing comes to again.
//!
//! There is no next one that it could leave anything to (see `body`), so it has its own state, and no more of it than it
//! needs itself: where it stands it says when it has given up.

use super::body::Kept;
use crate::{
    advance::{Step, advance},
    context::Context,
    error::Cancelled,
    keeper::{Keeper, Mode, Parts},
};
use pin_project_lite::pin_project;
use std::{
    future::{Future, IntoFuture},
    mem::ManuallyDrop,
    panic::Location,
    pin::Pin,
    task::{Context as TaskContext, Poll},
};

/// Its context and its state.
struct Own<'c> {
    keeper: Keeper,
    context: &'c Context,
    /// The line that its error names, for tests that listen.
    #[cfg(feature = "testing")]
    at: &'static Location<'static>,
}

impl Parts for Own<'_> {
    #[inline]
    fn parts(&mut self) -> (&Context, &mut Keeper) {
        (self.context, &mut self.keeper)
    }
}

pin_project! {
    /// It does not remember that it gave its future up: see `InBody`.
    #[must_use = "futures do nothing unless polled"]
    pub struct OnlyAwait<'c, F> {
        // What it guards.
        #[pin]
        future: F,
        // Dropped after the future.
        own: Own<'c>,
    }

    impl<'c, F> PinnedDrop for OnlyAwait<'c, F> {
        fn drop(this: Pin<&mut Self>) {
            let own = this.project().own;
            own.keeper.goes(own.context);
        }
    }
}

impl<F: Future> Future for OnlyAwait<'_, F> {
    /// `None` if it gave the future up: see `Only::__gave_up`.
    type Output = Option<Kept<F::Output>>;

    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(
        not(debug_assertions),
        inline(always),
        expect(clippy::inline_always, reason = "see `InBody::poll`")
    )]
    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        #[cfg(feature = "testing")]
        if !this.own.keeper.has_started() {
            crate::probe::starts(&this.own.keeper, this.own.context, this.own.at);
        }
        match advance(this.future, this.own, cx) {
            Step::Pending => Poll::Pending,
            Step::Ready(output) => Poll::Ready(Some(Kept(ManuallyDrop::new(output)))),
            Step::GivesUp => Poll::Ready(None),
        }
    }
}

/// What the macro awaits in place of `future`: see `AwaitedIn`.
#[must_use = "futures do nothing unless awaited"]
pub struct AwaitedOnly<'c, F> {
    own: Own<'c>,
    future: F,
}

impl<'c, F> AwaitedOnly<'c, F> {
    #[track_caller]
    #[inline]
    fn new(context: &'c Context, future: F, mode: Mode) -> Self {
        Self {
            own: Own {
                keeper: Keeper::new(mode),
                context,
                #[cfg(feature = "testing")]
                at: Location::caller(),
            },
            future,
        }
    }
}

#[diagnostic::do_not_recommend]
impl<'c, F: IntoFuture> IntoFuture for AwaitedOnly<'c, F> {
    type Output = Option<Kept<F::Output>>;
    type IntoFuture = OnlyAwait<'c, F::IntoFuture>;

    #[inline]
    fn into_future(self) -> Self::IntoFuture {
        OnlyAwait {
            future: self.future.into_future(),
            own: self.own,
        }
    }
}

/// The context of the await.
#[derive(Clone, Copy)]
pub struct Only<'c>(&'c Context);

impl<'c> Only<'c> {
    /// For a function on this context.
    #[must_use]
    #[inline]
    pub fn new(context: &'c Context) -> Self {
        Self(context)
    }
}

/// What the macro writes around the await and after it.
#[doc(hidden)]
impl<'c> Only<'c> {
    /// A checkpoint that may give its future up at its await.
    #[track_caller]
    #[inline]
    pub fn __race<F>(self, future: F) -> AwaitedOnly<'c, F> {
        AwaitedOnly::new(self.0, future, Mode::Race)
    }

    /// A checkpoint that lets its future run to its end once it has started.
    #[track_caller]
    #[inline]
    pub fn __between<F>(self, future: F) -> AwaitedOnly<'c, F> {
        AwaitedOnly::new(self.0, future, Mode::Between)
    }

    /// The error of the checkpoint that gave up just now, at the line of this call. The end of a context is final, so it
    /// can be read after the future was dropped as well as before.
    #[cold]
    #[track_caller]
    #[must_use]
    pub fn __gave_up(self) -> Cancelled {
        Cancelled::of(Keeper::refusal(self.0), Some(Location::caller()))
    }
}

/// The same as a method, for who reaches this crate by a name of his own: see `Runtime` in the macros.
#[doc(hidden)]
impl Context {
    #[must_use]
    pub fn __only(&self) -> Only<'_> {
        Only::new(self)
    }
}
