//! The end of a poll that panics.
//!
//! Somebody may catch the panic, and poll the checkpoint again or drop it. So it is left as it was before the poll: it
//! keeps its place in the list, its answers, those whom it holds, and the waker that is to wake it when it is held no more,
//! unless it was polled with another one, and the first was passed on. What it heard in the poll it keeps as well, as those
//! inside who stay pending may outlive it.

use crate::{
    answer::wake,
    asking::Asking,
    context::Context,
    hold::Hold,
    keeper::{Keeper, Parts},
};
use std::{sync::Arc, task::Waker};

impl Asking {
    /// Ends the asking, should the poll panic.
    #[inline]
    pub(crate) fn guard<P: Parts>(self, parts: &mut P) -> Unwinding<'_, P> {
        Unwinding {
            asking: self,
            parts,
        }
    }
}

/// Ends the asking of a poll that panics.
pub(crate) struct Unwinding<'p, P: Parts> {
    asking: Asking,
    parts: &'p mut P,
}

impl<P: Parts> Unwinding<'_, P> {
    /// The poll has not panicked.
    #[inline]
    pub(crate) fn disarm(self) {
        std::mem::forget(self);
    }
}

impl<P: Parts> Drop for Unwinding<'_, P> {
    // Inlined, so that what it holds can stay in registers.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is little more than one call")]
    fn drop(&mut self) {
        panicked(self.parts, self.asking);
    }
}

/// Out of line, so that of all that it needs no more than one address is kept meanwhile.
#[cold]
#[inline(never)]
fn panicked<P: Parts>(parts: &mut P, asking: Asking) {
    let (context, keeper) = parts.parts();
    keeper.panicked(asking, context);
}

impl Keeper {
    /// Its poll panicked: it keeps what it heard.
    #[cold]
    fn panicked(&mut self, asking: Asking, context: &Context) {
        let mut heard = self.leaves(asking);
        self.leave_behind(heard.bits, context);
        self.notes_relied(heard.bits);
        if let Some(rare) = &mut heard.rare {
            self.falls_asleep(rare.hold.take(), rare.slept.take());
        }
        // Nobody else will see to these.
        heard.into_handed().iter().for_each(wake);
    }

    /// Its poll panicked. Others may rely on the waker that slept until this poll, so it sleeps on.
    fn falls_asleep(&mut self, hold: Option<Arc<Hold>>, slept: Option<Waker>) {
        let Some(hold) = hold else { return };
        let slept_enough = slept.and_then(|waker| hold.sleeps_on(waker));
        slept_enough.iter().for_each(wake);
        self.keep_awake(hold);
    }
}
