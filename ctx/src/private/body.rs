//! What the checkpoints of one function share, as they follow each other.
//!
//! A function awaits one thing at a time, but for the branches of a `select!`, which have a slot of their
//! own. So one state serves all its awaits, and what one of them leaves there the next one finds: the
//! waker that stands in the scope's list. A loop of ten thousand awaits enters the list once.
//!
//! It serves the awaits on the function's own `ctx`. A context that shadows it may be a scope that ends
//! before the function does, and a waker that was left in its list would be woken for nothing.

use crate::{
    checkpoint::{Checkpoint, Site},
    context::Context,
    error::Cancelled,
    keeper::{Keeper, Mode},
};
use std::{future::IntoFuture, panic::Location};

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
    pub fn new(context: &'c Context) -> Self {
        Self {
            line: context.line_address(),
            context,
            keeper: Keeper::shared(),
        }
    }
}

impl Drop for Body<'_> {
    #[inline]
    fn drop(&mut self) {
        self.keeper.end(self.context);
    }
}

/// A site in a function.
pub struct InBody<'b, 'c> {
    body: &'b mut Body<'c>,
    at: &'static Location<'static>,
}

impl Site for InBody<'_, '_> {
    /// An `.await` polls nothing again that was ready.
    type Left = ();

    #[inline]
    fn parts(&mut self) -> (&Context, &mut Keeper) {
        (self.body.context, &mut self.body.keeper)
    }

    #[inline]
    fn line(&self) -> usize {
        self.body.line
    }

    fn at(&self) -> &'static Location<'static> {
        self.at
    }

    fn leave(_: &Cancelled) {}

    fn again((): &()) -> Cancelled {
        panic!("an await that gave up was polled again")
    }
}

// What follows the drop of the future.
impl Drop for InBody<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        #[cfg(feature = "testing")]
        crate::probe::goes(&self.body.keeper);
        if self.body.keeper.may_be_parting() {
            self.body.keeper.end_parting();
        }
    }
}

/// A checkpoint that may give its future up at any of its awaits.
#[track_caller]
pub fn race_in<'b, 'c, F: IntoFuture>(
    future: F,
    body: &'b mut Body<'c>,
) -> Checkpoint<InBody<'b, 'c>, F::IntoFuture> {
    enter(future, body, Mode::Race, Location::caller())
}

/// A checkpoint that lets a future run to its end once it has started.
#[track_caller]
pub fn between_in<'b, 'c, F: IntoFuture>(
    future: F,
    body: &'b mut Body<'c>,
) -> Checkpoint<InBody<'b, 'c>, F::IntoFuture> {
    enter(future, body, Mode::Between, Location::caller())
}

fn enter<'b, 'c, F: IntoFuture>(
    future: F,
    body: &'b mut Body<'c>,
    mode: Mode,
    at: &'static Location<'static>,
) -> Checkpoint<InBody<'b, 'c>, F::IntoFuture> {
    body.keeper.begin(mode);
    Checkpoint::new(InBody { body, at }, future.into_future())
}
