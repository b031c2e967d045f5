//! What the macros call. None of it is meant to be called by hand, and all of it may change.

mod bind;
mod body;
mod only;
mod slot;
mod try_branch;

pub use bind::{FromMissing, mistaken, optional, required};
pub use body::{AwaitedIn, Body, InBody, Kept, between_in, between_on, leave, race_in, race_on};
pub use only::{AwaitedOnly, Only, OnlyAwait};
pub use slot::{Branch, GaveUp, Slot, slot};
pub use try_branch::{Stop, TryBranch};

pub use crate::{
    checkpoint::{Checkpoint, Here, Site},
    keeper::Keeper,
    value::{key, shown_key},
};
pub use ctx_macros::mistake;

use crate::{context::Context, keeper::Mode, scope::CancelScope};
use std::{fmt, panic::Location};

/// What may stand under the name `ctx` where a checkpoint is.
#[diagnostic::on_unimplemented(
    message = "`ctx` is a `{Self}` here, and not a context",
    label = "`ctx` is read here",
    note = "give what is called `ctx` here another name, or put the `.await` under `#[checkpoints(none)]`"
)]
pub trait Scope {
    /// What a checkpoint keeps of it.
    type Handle: AsRef<Context>;
    /// Takes the handle, before the awaited expression is evaluated.
    fn handle(&self) -> Self::Handle;
    /// Borrows it, where the awaited expression leaves it alone.
    fn borrow(&self) -> &Context;
}

// Which these are helps nobody: who sees the text above has to give something another name.
#[diagnostic::do_not_recommend]
impl Scope for Context {
    type Handle = Context;
    fn handle(&self) -> Context {
        self.clone()
    }
    fn borrow(&self) -> &Context {
        self
    }
}

#[diagnostic::do_not_recommend]
impl Scope for CancelScope {
    type Handle = Context;
    fn handle(&self) -> Context {
        Context::clone(self)
    }
    fn borrow(&self) -> &Context {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<'a, S: Scope + ?Sized> Scope for &'a S {
    type Handle = &'a Context;
    fn handle(&self) -> &'a Context {
        (*self).borrow()
    }
    fn borrow(&self) -> &Context {
        (**self).borrow()
    }
}

/// Takes the handle of a context.
pub fn handle<S: Scope>(ctx: &S) -> S::Handle {
    ctx.handle()
}

/// Borrows a context.
pub fn borrow<S: Scope>(ctx: &S) -> &Context {
    ctx.borrow()
}

/// A context without its end, for what stands under `#[shield]`.
pub fn shield<S: Scope>(ctx: &S) -> Context {
    ctx.borrow().without_cancel()
}

/// A checkpoint that may give its future up at any of its awaits.
#[track_caller]
pub fn race<H: AsRef<Context>, F>(handle: H, future: F) -> Awaited<Here<H>, F> {
    let site = Here::new(handle, Location::caller(), Mode::Race);
    Awaited { site, future }
}

/// A checkpoint that lets a future run to its end once it has started.
#[track_caller]
pub fn between<H: AsRef<Context>, F>(handle: H, future: F) -> Awaited<Here<H>, F> {
    let site = Here::new(handle, Location::caller(), Mode::Between);
    Awaited { site, future }
}

/// What `dbg!` does with a value, whose `words` are those of the author.
#[track_caller]
pub fn dbg<T: fmt::Debug>(words: &str, value: T) -> T {
    let at = Location::caller();
    eprintln!("[{at}] {words} = {value:#?}");
    value
}

/// What a macro awaits in place of `future`. It asks nothing of `future` until it is awaited, so that
/// what is no future is one error, and rustc's own.
#[must_use = "futures do nothing unless awaited"]
pub struct Awaited<S, F> {
    site: S,
    future: F,
}

// See `AwaitedIn`.
#[diagnostic::do_not_recommend]
impl<S: Site, F: IntoFuture> IntoFuture for Awaited<S, F> {
    type Output = Result<F::Output, S::Error>;
    type IntoFuture = Checkpoint<S, F::IntoFuture>;

    fn into_future(self) -> Self::IntoFuture {
        Checkpoint::new(self.site, self.future.into_future())
    }
}
