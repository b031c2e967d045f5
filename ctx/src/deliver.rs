//! The end of an await whose future was ready.
//!
//! Mostly nothing was heard in its last poll, or nothing but what an earlier one had left. Then the asking has ended by
//! one comparison, and what is left is the waker that may stand in the scope's list.
//!
//! 1. Nobody is left to rely on the watch of an await that is over: those whom it had answered are told (see `answer`),
//!    or are at work themselves, and look for themselves when their poll ends.
//! 2. A function's waker stays in the list for its next await where it is the one that this await was polled with, so that
//!    none is woken that nobody polls with any more.

use crate::{
    answer::Answer,
    aside::aside,
    asking::{self, Asking},
    context::Context,
    frame::waker_id,
    heard::Heard,
    keeper::Keeper,
};
use std::task::Waker;

impl Keeper {
    /// The future was ready: true if nothing was heard, and the checkpoint is bare. Then the asking has ended, and all is
    /// done.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "of a call within a call this is half of what there is"
    )]
    pub(crate) fn delivers_at_once(&self, asking: Asking) -> bool {
        self.is_bare() && asking.leaves_at_once()
    }

    /// Whether nothing was heard, and nobody else was waited for. Then the asking has ended, and all is done: the
    /// waker, if there is one, stays in the list for the next await, or it has left.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is a part of its one caller")]
    pub(crate) fn delivers_simply(
        &mut self,
        asking: Asking,
        context: &Context,
        waker: &Waker,
    ) -> bool {
        if self.was_answered() {
            return false;
        }
        let Some(watch) = &mut *self.watch else {
            return asking.leaves_unheard();
        };
        if !self.seated {
            aside();
            if self.relied.ever() {
                return false;
            }
        }
        if !watch.is_just(waker_id(waker)) || !asking.leaves_taking_back(&mut watch.answer) {
            aside();
            return false;
        }
        self.owes_nothing();
        if !self.seated {
            aside();
            self.leave_list(context);
        }
        true
    }

    #[inline(never)]
    pub(crate) fn deliver_anyhow(&mut self, asking: Asking, context: &Context, waker: &Waker) {
        if asking.leaves_unheard() {
            if self.was_answered() || !self.keeps_seat(waker) {
                self.finish_heard(asking.nothing().into(), context, waker);
            }
            return;
        }
        let heard = self.leaves(asking);
        self.deliver_heard(heard, context, waker);
    }

    #[inline(never)]
    pub(crate) fn deliver_heard(&mut self, heard: Heard, context: &Context, waker: &Waker) {
        let left_behind = heard.bits.leaves_behind();
        if heard.rare.is_some() || left_behind || self.was_answered() || !self.keeps_seat(waker) {
            self.finish_heard(heard, context, waker);
        }
    }

    #[inline(never)]
    fn finish_heard(&mut self, heard: Heard, context: &Context, waker: &Waker) {
        let answered = heard.bits.answered() && !heard.bits.joined();
        let name = self.name();
        self.leave_behind(heard.bits, context);
        self.notes_relied(heard.bits);
        self.finish(context, heard.into_handed(), Some(waker));
        // Who answered in this poll may be in the future still, and is dropped with it. That goes for those
        // of earlier polls too, but they were told.
        if answered || self.relied.ever() {
            self.is_looked_for(name);
        }
    }

    /// The future was ready, and nobody was promised anything that cannot be taken back here.
    ///
    /// The waker stays in the list for the next await of the function, which mostly has the same one. The
    /// answer is taken back from the asker that is at work, and so the asker needs it no more.
    fn keeps_seat(&mut self, waker: &Waker) -> bool {
        match &mut *self.watch {
            None => true,
            Some(watch) if self.seated && watch.is_just(waker_id(waker)) => {
                let free = asking::take_back_from_top(watch.answer);
                if free {
                    watch.answer = Answer::NONE;
                    self.owes_nothing();
                }
                free
            }
            Some(_) => false,
        }
    }
}
