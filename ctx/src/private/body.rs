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

/// The context of a function's checkpoints, and their state.
pub struct Body<'c> {
    context: &'c Context,
    state: State,
}

struct State {
    /// The address of the context's line, which is asked for at every poll.
    line: usize,
    keeper: Keeper,
}

impl<'c> Body<'c> {
    /// For a function on this context.
    #[must_use]
    #[inline]
    pub fn new(context: &'c Context) -> Self {
        Self {
            context,
            state: State {
                line: context.line_address(),
                keeper: Keeper::shared(),
            },
        }
    }

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
        if line != self.state.line {
            self.state.keeper.end(self.context);
            (self.context, self.state.line) = (context, line);
        }
    }

    /// Lends itself to one await. One lifetime is enough for that, and saves the compiler work.
    #[inline]
    fn lend(&mut self, at: &'static Location<'static>) -> Lent<'_> {
        Lent {
            context: self.context,
            state: &mut self.state,
            at,
        }
    }
}

impl Drop for Body<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.state.keeper.watch.is_some() {
            self.state.keeper.end(self.context);
        }
    }
}

/// A function's context and state, lent to one of its awaits.
struct Lent<'b> {
    context: &'b Context,
    state: &'b mut State,
    at: &'static Location<'static>,
}

// Who catches the panic of an await sees nothing of the state, which is put in order as the await is dropped.
impl UnwindSafe for Lent<'_> {}

// What follows the drop of the future.
impl Drop for Lent<'_> {
    #[inline]
    fn drop(&mut self) {
        #[cfg(feature = "testing")]
        crate::probe::goes(&self.state.keeper);
        if self.state.keeper.may_be_parting() {
            self.state.keeper.end_parting();
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
    pub enum InBody<'b, F> {
        // Not decided yet.
        Live {
            // What it guards.
            #[pin]
            future: F,
            // Dropped after the future.
            lent: Lent<'b>,
        },
        // It gave its future up. An `.await` polls nothing again that was ready.
        Over,
    }

    impl<'b, F> PinnedDrop for InBody<'b, F> {
        fn drop(this: Pin<&mut Self>) {
            if let Stage::Live { lent, .. } = this.project() {
                let keeper = &mut lent.state.keeper;
                if !keeper.is_idle() {
                    keeper.close(lent.context);
                }
            }
        }
    }
}

impl<F: Future> Future for InBody<'_, F> {
    type Output = Result<F::Output, Cancelled>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let Stage::Live { future, lent } = self.as_mut().project() else {
            return Poll::Pending;
        };
        let (at, context, state) = (lent.at, lent.context, &mut *lent.state);
        #[cfg(feature = "testing")]
        if !state.keeper.has_started() {
            crate::probe::starts(&state.keeper, context, at);
        }
        match advance(future, state.line, (context, &mut state.keeper), cx) {
            Step::Pending => Poll::Pending,
            Step::Ready(output) => Poll::Ready(Ok(output)),
            Step::GivesUp => {
                let cancelled = Keeper::refusal(context).cancelled.noticed(at);
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
pub struct AwaitedIn<'b, F> {
    lent: Lent<'b>,
    mode: Mode,
    future: F,
}

impl<'b, F: IntoFuture> IntoFuture for AwaitedIn<'b, F> {
    type Output = Result<F::Output, Cancelled>;
    type IntoFuture = InBody<'b, F::IntoFuture>;

    #[inline]
    fn into_future(self) -> Self::IntoFuture {
        let (future, lent) = (self.future.into_future(), self.lent);
        lent.state.keeper.begin(self.mode);
        InBody::Live { future, lent }
    }
}

/// A checkpoint that may give its future up at any of its awaits.
#[track_caller]
#[inline]
pub fn race_in<'b, F>(future: F, body: &'b mut Body<'_>) -> AwaitedIn<'b, F> {
    AwaitedIn {
        lent: body.lend(Location::caller()),
        mode: Mode::Race,
        future,
    }
}

/// A checkpoint that lets a future run to its end once it has started.
#[track_caller]
#[inline]
pub fn between_in<'b, F>(future: F, body: &'b mut Body<'_>) -> AwaitedIn<'b, F> {
    AwaitedIn {
        lent: body.lend(Location::caller()),
        mode: Mode::Between,
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
) -> AwaitedIn<'b, F> {
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
) -> AwaitedIn<'b, F> {
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
    pub fn __race_in<'b, F>(&self, future: F, body: &'b mut Body<'_>) -> AwaitedIn<'b, F> {
        race_in(future, body)
    }

    #[track_caller]
    pub fn __between_in<'b, F>(&self, future: F, body: &'b mut Body<'_>) -> AwaitedIn<'b, F> {
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
