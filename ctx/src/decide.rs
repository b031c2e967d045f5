//! What becomes of a checkpoint whose future stayed pending, where that is not one of the simple cases.
//!
//! It gives up, or it stays and leaves the decision to somebody inside, or to its own next poll; the states are in
//! `keeper`. Whatever it was promised or had promised before, it is answered, waiting or held when this is over.

use crate::{
    answer::{Manner, wake},
    asking,
    few::Few,
    heard::{Bits, Heard},
    keeper::{Keeper, Mode},
    node::{Node, ScopeRef},
    top,
};
use std::{
    sync::Arc,
    task::{Context as TaskContext, Waker},
};

impl Keeper {
    /// Decides, in a poll in which the future stayed pending: whether the checkpoint is to give up.
    pub(crate) fn decide(
        &mut self,
        line: &Arc<Node>,
        mut heard: Heard,
        wakers: &mut Few<Waker>,
        cx: &mut TaskContext<'_>,
    ) -> bool {
        let bits = heard.bits;
        let (answered, unsure, joined) = (bits.answered(), bits.unsure(), bits.joined());
        if answered && self.mode == Mode::Between && !asking::nobody_asks() {
            self.rare().answered_in = top::latest();
        }
        self.notes_relied(bits);
        let hold = heard.rare.as_mut().and_then(|rare| rare.hold.take());
        let unsure = unsure || hold.as_ref().is_some_and(|hold| hold.was_left());
        let must_wait = self.keep_hold(hold, cx.waker());
        *wakers = heard.into_handed();
        let watches = match ScopeRef::of(line) {
            Some(scope) if self.mode == Mode::Race && !must_wait && (!answered || unsure) => {
                if !self.watches(scope, answered || unsure, wakers, cx) {
                    return true;
                }
                if joined {
                    asking::watch_for_foreigners();
                }
                true
            }
            Some(scope) => {
                if !self.minds_those_who_joined(scope, bits, wakers, cx) {
                    self.stop_waiting(scope, wakers);
                }
                answered
            }
            None => answered || !must_wait,
        };
        self.pass_on(wakers, cx.waker());
        let quiet = answered && joined && !unsure && !must_wait;
        if !(quiet && self.promised_nothing_else()) {
            self.give_answers(line, cx.waker(), self.manner(watches));
        }
        false
    }

    /// It keeps watch itself. False if it gives up, as the context has ended, and it leaves the decision to nobody else.
    fn watches(
        &mut self,
        scope: ScopeRef<'_>,
        leaves_it: bool,
        wakers: &mut Few<Waker>,
        cx: &mut TaskContext<'_>,
    ) -> bool {
        let waits = self.wait(scope, wakers, cx);
        if !waits && leaves_it {
            // The answer was given before the end, and with a waker that may lead nowhere.
            wake(cx.waker());
        }
        waits || leaves_it
    }

    /// One that will not give up itself waits all the same where nobody answers any more and others relied on
    /// answers, as these are to decide (see `frame`, 2). Whether they have lost theirs is not known: it may have
    /// been given in an earlier poll. It goes on with that whenever nobody answers. False if it need not wait.
    fn minds_those_who_joined(
        &mut self,
        scope: ScopeRef<'_>,
        heard: Bits,
        wakers: &mut Few<Waker>,
        cx: &mut TaskContext<'_>,
    ) -> bool {
        let unsure = heard.unsure() && self.relied.ever();
        if heard.answered() || !(unsure || self.relied.here() || self.minds()) {
            return false;
        }
        let loses = unsure || !self.minds();
        self.rare().minds = true;
        let ended = !self.wait(scope, wakers, cx);
        // Nothing starts on a context that has ended, and so nothing answers there again and again: no
        // wake-up follows on the other without end.
        if ended && loses {
            wake(cx.waker());
        }
        true
    }

    fn manner(&self, watches: bool) -> Manner {
        match self.mode {
            Mode::Between => Manner::Holds,
            Mode::Race if watches => Manner::Watches,
            Mode::Race => Manner::IsHeld,
        }
    }

    /// For one that joined and was answered: forgets what it had promised to the frame that it joined. False
    /// if there is more to it.
    fn promised_nothing_else(&mut self) -> bool {
        match &*self.watch {
            None => {
                asking::rely();
                true
            }
            Some(watch) if watch.rare.is_none() => {
                let forgets = asking::take_back_from_top(watch.answer);
                if forgets {
                    self.forget_watch();
                    asking::rely();
                }
                forgets
            }
            Some(_) => false,
        }
    }
}
