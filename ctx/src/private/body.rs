//! What the checkpoints of one function share, as they follow each other.
//!
//! A function awaits one thing at a time, but for the branches of a `select!`, which have a slot of their
//! own. So one state serves all its awaits, and what one of them leaves there the next one finds: the
//! waker that stands in the scope's list. A loop of ten thousand awaits enters the list once.
//!
//! The awaits on the function's own `ctx` share the function's state. Those on a context that a block has
//! bound share one that is made after it, and so dropped before it: a waker that was left in the list of a
//! scope which ends before the function does would be woken for nothing. An only await shares nothing (see `only`).

use crate::{
    advance::{Step, advance},
    context::Context,
    error::{Cancelled, FromCancelled},
    keeper::{Keeper, Mode, Parts},
};
use pin_project_lite::pin_project;
use std::{
    future::{Future, IntoFuture},
    mem::ManuallyDrop,
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
    /// Where the latest await is.
    at: &'static Location<'static>,
    /// Its own drop would look once more for what `Body`'s has ended.
    keeper: ManuallyDrop<Keeper>,
}

impl<'c> Body<'c> {
    /// For a function on this context.
    #[must_use]
    #[inline]
    pub fn new(context: &'c Context) -> Self {
        Self {
            context,
            state: State {
                at: Location::caller(),
                keeper: ManuallyDrop::new(Keeper::shared()),
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
        // Both are borrowed, so one address is one context.
        if !std::ptr::eq(self.context, context) {
            if self.context.line_address() != context.line_address() {
                self.state.keeper.end(self.context);
            }
            self.context = context;
        }
    }

    /// Lends itself to one await. One lifetime is enough for that, and saves the compiler work.
    #[inline]
    #[track_caller]
    fn lend(&mut self) -> Lent<'_> {
        self.state.at = Location::caller();
        Lent {
            context: self.context,
            state: &mut self.state,
        }
    }
}

/// What the macro writes around an await and after it. They are methods, and the checkpoint says no more than
/// that it gave up, since both save the compiler work: an `Err` in the hands of every await is a value to be
/// dropped on every path.
#[doc(hidden)]
impl<'c> Body<'c> {
    /// A checkpoint that may give its future up at any of its awaits.
    #[track_caller]
    #[inline]
    pub fn __race<F>(&mut self, future: F) -> AwaitedIn<'_, F> {
        AwaitedIn {
            lent: self.lend(),
            mode: Mode::Race,
            future,
        }
    }

    /// A checkpoint that lets a future run to its end once it has started.
    #[track_caller]
    #[inline]
    pub fn __between<F>(&mut self, future: F) -> AwaitedIn<'_, F> {
        AwaitedIn {
            lent: self.lend(),
            mode: Mode::Between,
            future,
        }
    }

    /// `__race` on a context that a block has bound.
    #[track_caller]
    #[inline]
    pub fn __race_on<F>(&mut self, context: &'c Context, future: F) -> AwaitedIn<'_, F> {
        self.sits_on(context);
        self.__race(future)
    }

    /// `__between` on a context that a block has bound.
    #[track_caller]
    #[inline]
    pub fn __between_on<F>(&mut self, context: &'c Context, future: F) -> AwaitedIn<'_, F> {
        self.sits_on(context);
        self.__between(future)
    }

    /// Leaves the function after a checkpoint that gave up.
    #[must_use]
    pub fn __leave<R: FromCancelled>(&self) -> R {
        R::__from_body(self)
    }

    /// The error of the checkpoint that gave up just now. The end of a context is final, so it can be read
    /// after the future was dropped as well as before.
    #[cold]
    pub(crate) fn gave_up(&self) -> Cancelled {
        Cancelled::of(Keeper::refusal(self.context), Some(self.state.at))
    }
}

impl Drop for Body<'_> {
    #[inline]
    fn drop(&mut self) {
        self.state.keeper.end(self.context);
    }
}

/// A function's context and state, lent to one of its awaits.
struct Lent<'b> {
    context: &'b Context,
    state: &'b mut State,
}

impl Parts for Lent<'_> {
    #[inline]
    fn parts(&mut self) -> (&Context, &mut Keeper) {
        (self.context, &mut self.state.keeper)
    }
}

// Who catches the panic of an await sees nothing of the state, which is put in order as the await is dropped.
impl UnwindSafe for Lent<'_> {}

// What follows the drop of the future.
impl Drop for Lent<'_> {
    #[inline]
    fn drop(&mut self) {
        #[cfg(feature = "testing")]
        crate::probe::goes(&self.state.keeper);
        let keeper = &mut self.state.keeper;
        if !keeper.is_bare() {
            keeper.end_parting();
        }
    }
}

pin_project! {
    /// A checkpoint that uses its function's state.
    ///
    /// It is a type of its own beside `Checkpoint`, since most checkpoints are of this type, and each
    /// parameter that it does without saves the compiler work. It does not remember that it gave its future
    /// up: an `.await` drops what was ready before it goes on, and the future with it, so that it is gone
    /// before the error is made (rule C4), and polls nothing again.
    #[must_use = "futures do nothing unless polled"]
    pub struct InBody<'b, F> {
        // What it guards.
        #[pin]
        future: F,
        // Dropped after the future.
        lent: Lent<'b>,
    }

    impl<'b, F> PinnedDrop for InBody<'b, F> {
        fn drop(this: Pin<&mut Self>) {
            let lent = this.project().lent;
            lent.state.keeper.goes(lent.context);
        }
    }
}

impl<F: Future> Future for InBody<'_, F> {
    /// `None` if it gave the future up: see `Body::gave_up`.
    type Output = Option<Kept<F::Output>>;

    // A processor remembers where 16 to 32 calls within calls return to, and guesses wrong beyond: a level of a
    // chain is to be one call, not two. Who builds without optimization has other worries, and builds faster so.
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(
        not(debug_assertions),
        inline(always),
        expect(
            clippy::inline_always,
            reason = "what follows the simple cases stands aside already, and is called"
        )
    )]
    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        #[cfg(feature = "testing")]
        if !this.lent.state.keeper.has_started() {
            let (context, state) = (this.lent.context, &*this.lent.state);
            crate::probe::starts(&state.keeper, context, state.at);
        }
        match advance(this.future, this.lent, cx) {
            Step::Pending => Poll::Pending,
            Step::Ready(output) => Poll::Ready(Some(Kept(ManuallyDrop::new(output)))),
            Step::GivesUp => Poll::Ready(None),
        }
    }
}

/// The result of an await, which the macro takes out as soon as it has found that there is one.
///
/// It has no drop of its own, since nothing can come between. The compiler need not ask then, at every await,
/// whether a part of it is to be dropped, and that is much of what a `match` costs it.
pub struct Kept<T>(pub(super) ManuallyDrop<T>);

#[doc(hidden)]
impl<T> Kept<T> {
    #[must_use]
    #[inline]
    pub fn __take(self) -> T {
        ManuallyDrop::into_inner(self.0)
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

// Who awaits what is no future is not helped by how ours comes to be one.
#[diagnostic::do_not_recommend]
impl<'b, F: IntoFuture> IntoFuture for AwaitedIn<'b, F> {
    type Output = Option<Kept<F::Output>>;
    type IntoFuture = InBody<'b, F::IntoFuture>;

    #[inline]
    fn into_future(self) -> Self::IntoFuture {
        let (future, lent) = (self.future.into_future(), self.lent);
        lent.state.keeper.begin(self.mode);
        InBody { future, lent }
    }
}

// The same as functions, which borrow the state last, where there is another await in `future`.

/// See [`Body::__race`].
#[track_caller]
#[inline]
pub fn race_in<'b, F>(future: F, body: &'b mut Body<'_>) -> AwaitedIn<'b, F> {
    body.__race(future)
}

/// See [`Body::__between`].
#[track_caller]
#[inline]
pub fn between_in<'b, F>(future: F, body: &'b mut Body<'_>) -> AwaitedIn<'b, F> {
    body.__between(future)
}

/// See [`Body::__race_on`].
#[track_caller]
#[inline]
pub fn race_on<'b, 'c, F>(
    context: &'c Context,
    future: F,
    body: &'b mut Body<'c>,
) -> AwaitedIn<'b, F> {
    body.__race_on(context, future)
}

/// See [`Body::__between_on`].
#[track_caller]
#[inline]
pub fn between_on<'b, 'c, F>(
    context: &'c Context,
    future: F,
    body: &'b mut Body<'c>,
) -> AwaitedIn<'b, F> {
    body.__between_on(context, future)
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
