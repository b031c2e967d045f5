//! What the checkpoints of one function share, as they follow each other.
//!
//! A function awaits one thing at a time, but for the branches of a `select!`, which have a slot of their
//! own. So one state serves all its awaits, and what one of them leaves there the next one finds: the
//! waker that stands in the scope's list. A loop of ten thousand awaits enters the list once.
//!
//! The awaits on the function's own `ctx` share the function's state. Those on a context that a block has
//! bound share one that is made after it, and so dropped before it: a waker that was left in the list of a
//! scope which ends before the function does would be woken for nothing.

use crate::{
    advance::{Step, advance},
    context::Context,
    error::{Cancelled, FromCancelled},
    keeper::{Keeper, Mode},
};
use pin_project_lite::pin_project;
use std::{
    future::{Future, IntoFuture},
    panic::{Location, UnwindSafe},
    pin::Pin,
    task::{Context as TaskContext, Poll},
};

/// The state of a function's checkpoints.
pub struct Body<'c> {
    context: &'c Context,
    /// The address of its line, which is asked for at every poll.
    line: usize,
    keeper: Keeper,
}

impl<'c> Body<'c> {
    /// For a function on this context.
    #[must_use]
    #[inline]
    pub fn new(context: &'c Context) -> Self {
        Self {
            line: context.line_address(),
            context,
            keeper: Keeper::shared(),
        }
    }
}

impl<'c> Body<'c> {
    /// For a context that a block has bound. Each await says which one, and that is always the same, unless
    /// the macro took a `ctx` for another one.
    #[must_use]
    #[inline]
    pub fn unbound() -> Self {
        static NOBODY: Context = Context::background();
        Self::new(&NOBODY)
    }

    /// The next await is on this context.
    #[inline]
    fn sits_on(&mut self, context: &'c Context) {
        let line = context.line_address();
        if line != self.line {
            self.keeper.end(self.context);
            (self.context, self.line) = (context, line);
        }
    }
}

impl Drop for Body<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.keeper.watch.is_some() {
            self.keeper.end(self.context);
        }
    }
}

/// A function's state, lent to one of its awaits.
struct Lent<'b, 'c> {
    body: &'b mut Body<'c>,
    at: &'static Location<'static>,
}

// Who catches the panic of an await sees nothing of the state, which is put in order as the await is dropped.
impl UnwindSafe for Lent<'_, '_> {}

// What follows the drop of the future.
impl Drop for Lent<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        #[cfg(feature = "testing")]
        crate::probe::goes(&self.body.keeper);
        if self.body.keeper.may_be_parting() {
            self.body.keeper.end_parting();
        }
    }
}

pin_project! {
    /// A checkpoint that uses its function's state.
    ///
    /// It is a type of its own beside `Checkpoint`, since most checkpoints are of this type, and each
    /// parameter that it does without saves the compiler work.
    #[project = Stage]
    #[must_use = "futures do nothing unless polled"]
    pub enum InBody<'b, 'c, F> {
        // Not decided yet.
        Live {
            // What it guards.
            #[pin]
            future: F,
            // Dropped after the future.
            lent: Lent<'b, 'c>,
        },
        // It gave its future up. An `.await` polls nothing again that was ready.
        Over,
    }

    impl<'b, 'c, F> PinnedDrop for InBody<'b, 'c, F> {
        fn drop(this: Pin<&mut Self>) {
            if let Stage::Live { lent, .. } = this.project() {
                let body = &mut *lent.body;
                if !body.keeper.is_idle() {
                    body.keeper.close(body.context);
                }
            }
        }
    }
}

impl<F: Future> Future for InBody<'_, '_, F> {
    type Output = Result<F::Output, Cancelled>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let Stage::Live { future, lent } = self.as_mut().project() else {
            return Poll::Pending;
        };
        let (at, body) = (lent.at, &mut *lent.body);
        #[cfg(feature = "testing")]
        if !body.keeper.has_started() {
            crate::probe::starts(&body.keeper, body.context, at);
        }
        let parts = (body.context, &mut body.keeper);
        match advance(future, body.line, parts, cx) {
            Step::Pending => Poll::Pending,
            Step::Ready(output) => Poll::Ready(Ok(output)),
            Step::GivesUp => {
                let cancelled = Keeper::refusal(body.context).cancelled.noticed(at);
                // This drops the future, before the error is returned (rule C4).
                self.set(Self::Over);
                Poll::Ready(Err(cancelled))
            }
        }
    }
}

/// What a macro awaits in place of `future`. It asks nothing of `future` until it is awaited, so that
/// what is no future is one error, and rustc's own.
#[must_use = "futures do nothing unless awaited"]
pub struct AwaitedIn<'b, 'c, F> {
    body: &'b mut Body<'c>,
    mode: Mode,
    at: &'static Location<'static>,
    future: F,
}

impl<'b, 'c, F: IntoFuture> IntoFuture for AwaitedIn<'b, 'c, F> {
    type Output = Result<F::Output, Cancelled>;
    type IntoFuture = InBody<'b, 'c, F::IntoFuture>;

    #[inline]
    fn into_future(self) -> Self::IntoFuture {
        let future = self.future.into_future();
        self.body.keeper.begin(self.mode);
        let lent = Lent {
            body: self.body,
            at: self.at,
        };
        InBody::Live { future, lent }
    }
}

/// A checkpoint that may give its future up at any of its awaits.
#[track_caller]
pub fn race_in<'b, 'c, F>(future: F, body: &'b mut Body<'c>) -> AwaitedIn<'b, 'c, F> {
    AwaitedIn {
        body,
        mode: Mode::Race,
        at: Location::caller(),
        future,
    }
}

/// A checkpoint that lets a future run to its end once it has started.
#[track_caller]
pub fn between_in<'b, 'c, F>(future: F, body: &'b mut Body<'c>) -> AwaitedIn<'b, 'c, F> {
    AwaitedIn {
        body,
        mode: Mode::Between,
        at: Location::caller(),
        future,
    }
}

/// A checkpoint as [`race_in`] has it, on a context that a block has bound.
#[track_caller]
#[inline]
pub fn race_on<'b, 'c, F>(
    context: &'c Context,
    future: F,
    body: &'b mut Body<'c>,
) -> AwaitedIn<'b, 'c, F> {
    body.sits_on(context);
    race_in(future, body)
}

/// A checkpoint as [`between_in`] has it, on a context that a block has bound.
#[track_caller]
#[inline]
pub fn between_on<'b, 'c, F>(
    context: &'c Context,
    future: F,
    body: &'b mut Body<'c>,
) -> AwaitedIn<'b, 'c, F> {
    body.sits_on(context);
    between_in(future, body)
}

/// The context is about to be moved: its awaits are over.
pub fn leave(body: Body<'_>) {
    drop(body);
}

/// The same as methods, for who reaches this crate by a name of his own: see `Runtime` in the macros.
#[doc(hidden)]
impl Context {
    #[must_use]
    pub fn __body(&self) -> Body<'_> {
        Body::new(self)
    }

    #[track_caller]
    pub fn __race_in<'b, 'c, F>(&self, future: F, body: &'b mut Body<'c>) -> AwaitedIn<'b, 'c, F> {
        race_in(future, body)
    }

    #[track_caller]
    pub fn __between_in<'b, 'c, F>(
        &self,
        future: F,
        body: &'b mut Body<'c>,
    ) -> AwaitedIn<'b, 'c, F> {
        between_in(future, body)
    }
}

#[doc(hidden)]
impl Cancelled {
    #[must_use]
    pub fn __leave<R: FromCancelled>(self) -> R {
        R::from_cancelled(self)
    }
}
