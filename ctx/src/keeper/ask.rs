//! How a checkpoint starts, and how it asks while its future is polled: by a frame that is there, or by one of its own.
//!
//! 1. It starts once in each await: it takes its unit of the budget, and then looks at the context. So what has ended
//!    starts nothing (rule C1), and what is polled again costs no budget (rule C7).
//! 2. What mostly happens is decided first, and jumps nowhere: one that has nothing yet and asks alone, or joins; in the
//!    later polls, one that asks alone as before, or waits and joins. For the others there is `ask_above`.

use super::{Keeper, Mode, Start};
use crate::{
    answer::Manner,
    aside::aside,
    asking::{self, Asking},
    context::Context,
    few::Few,
    hold::Hold,
    name::{Joins, Name},
    node::{Address, address},
};
use std::{
    sync::Arc,
    task::{Context as TaskContext, Poll, Waker},
};
use tokio::task::coop;

impl Keeper {
    /// Before the first poll: asks, if the future may start.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is what its caller is for")]
    pub(crate) fn ask_first(&mut self, context: &Context, cx: &mut TaskContext<'_>) -> Asking {
        if !self.pays(cx) {
            return Asking::stopped(self.starts_later(context, cx));
        }
        // Mostly one look tells that it is live, and that it is its own line.
        if let Some(line) = context.live_line_address() {
            self.forgets_earlier();
            return self.ask_on(line, context, cx);
        }
        aside();
        self.ask_first_anyhow(context, cx)
    }

    /// The same where it takes more than a look. Mostly that is one at the clock.
    #[inline(never)]
    fn ask_first_anyhow(&mut self, context: &Context, cx: &mut TaskContext<'_>) -> Asking {
        if let Some(line) = context.line_address_in_time() {
            self.forgets_earlier();
            return self.ask_on(line, context, cx);
        }
        aside();
        self.ask_first_at_all(context, cx)
    }

    /// The same where its line is found by more than one look, or where it has ended.
    #[inline(never)]
    fn ask_first_at_all(&mut self, context: &Context, cx: &mut TaskContext<'_>) -> Asking {
        if context.is_cancelled() {
            return Asking::stopped(self.starts_never(context, cx));
        }
        self.forgets_earlier();
        self.ask(context, cx)
    }

    /// It starts, perhaps once more. Then it may have a name from its earlier await, whose answerers are told that this is over.
    #[inline]
    fn forgets_earlier(&mut self) {
        self.joins = Joins::NOBODY;
    }

    /// The same without the asking: whether the future may start.
    pub(crate) fn start(&mut self, context: &Context, cx: &mut TaskContext<'_>) -> Start {
        if !self.pays(cx) {
            return self.starts_later(context, cx);
        }
        if context.is_cancelled() {
            return self.starts_never(context, cx);
        }
        Start::Goes
    }

    /// Takes its unit of the budget, and has started then; false if there is none.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is a part of its callers")]
    fn pays(&mut self, cx: &mut TaskContext<'_>) -> bool {
        match coop::poll_proceed(cx) {
            // Forgotten, it is not given back, which is all that is to be said of it.
            Poll::Ready(budget) => std::mem::forget(budget),
            Poll::Pending => return false,
        }
        self.started = true;
        true
    }

    #[cold]
    fn starts_never(&mut self, context: &Context, cx: &TaskContext<'_>) -> Start {
        self.finish(context, Few::new(), Some(cx.waker()));
        Start::Refused
    }

    /// The budget has woken the task already, so this needs no watch; it only keeps the decision here (rule C3).
    #[cold]
    fn starts_later(&mut self, context: &Context, cx: &TaskContext<'_>) -> Start {
        if let Some(line) = context.line() {
            self.give_answers(line, cx.waker(), Manner::Watches);
        }
        Start::Waits
    }

    /// Asks, while the future is polled.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is what its callers are for")]
    pub(crate) fn ask(&mut self, context: &Context, cx: &TaskContext<'_>) -> Asking {
        match context.line_address() {
            Some(line) => self.ask_on(line, context, cx),
            None => Asking::MUTE,
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is what its callers are for")]
    fn ask_on(&mut self, line: Address, context: &Context, cx: &TaskContext<'_>) -> Asking {
        if self.watch.is_some() || self.mode != Mode::Race || self.was_answered() {
            aside();
            return self.ask_anew(line, context, cx);
        }
        self.joins = Joins::those_on(line);
        if !asking::nobody_asks() {
            aside();
            return match Asking::join_on(line, cx) {
                Some(joined) => joined,
                None => self.ask_above(context, cx),
            };
        }
        Asking::first(line, Name::NONE, cx)
    }

    /// Asks in a poll that is not the first.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is what its caller is for")]
    pub(crate) fn ask_again(&mut self, context: &Context, cx: &TaskContext<'_>) -> Asking {
        if let Some(line) = context.own_line_address() {
            return self.ask_anew(line, context, cx);
        }
        aside();
        self.ask_again_anyhow(context, cx)
    }

    /// The same where its line is found by more than one look, if there is one.
    #[inline(never)]
    fn ask_again_anyhow(&mut self, context: &Context, cx: &TaskContext<'_>) -> Asking {
        match context.line_address() {
            Some(line) => self.ask_anew(line, context, cx),
            None => Asking::MUTE,
        }
    }

    /// Asks on this line, whatever it has from earlier polls or awaits.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is what its callers are for")]
    fn ask_anew(&mut self, line: Address, context: &Context, cx: &TaskContext<'_>) -> Asking {
        if matches!(&*self.watch, Some(watch) if watch.rare.is_some()) {
            aside();
            return self.ask_above(context, cx);
        }
        if asking::nobody_asks() {
            return Asking::first(line, self.name(), cx);
        }
        let joined = match &*self.watch {
            _ if self.mode != Mode::Race || self.was_answered() => None,
            Some(watch) => Asking::join_seated(line, watch.answer, cx),
            None => Asking::join_on(line, cx),
        };
        if let Some(asking) = joined {
            return asking;
        }
        aside();
        self.ask_above(context, cx)
    }

    /// Asks by a frame above another one, or one that shields inside are to find a hold with.
    #[inline(never)]
    fn ask_above(&mut self, context: &Context, cx: &TaskContext<'_>) -> Asking {
        let Some(line) = context.line() else {
            return Asking::MUTE;
        };
        let held = self.take_hold().map(|hold| self.wakes_up(hold, cx.waker()));
        let asking = if asking::nobody_asks() {
            Asking::first(address(line), self.name(), cx)
        } else {
            Asking::above(line, self.name(), cx)
        };
        if let Some((hold, slept)) = held {
            Asking::lend(hold, slept);
        }
        asking
    }

    /// It was held, and is polled again, perhaps by somebody else. What is left of the waker that slept is the one that
    /// it is polled with now.
    #[cold]
    fn wakes_up(&mut self, hold: Arc<Hold>, current: &Waker) -> (Arc<Hold>, Option<Waker>) {
        let mut slept = hold.awake();
        if slept.as_ref().is_some_and(|it| !it.will_wake(current)) {
            let mut others = Few::new();
            others.extend(slept.take());
            self.pass_on(&mut others, current);
        }
        (hold, slept)
    }
}
