//! One poll of a checkpoint, as it mostly goes.
//!
//! Most checkpoints are calls within calls: the frame around them is on their scope, their future is polled
//! with the frame's own task context, and comes back pending with an answer from inside, or ready with
//! nothing to see to. Such a one compares two words before the poll and one after it, and is not called for
//! anything. `joins` says whether it may, and what the frame had heard; what comes later is one call for
//! what precedes the poll (`enter`) and one for what follows it (`stay`, `deliver`).
//!
//! 1. The word that `joins` returns is either what the frame has heard, or `NEVER`, which no later word of a
//!    frame compares with. So what follows the poll needs no second look at the checkpoint.
//! 2. A checkpoint joins so only if it has started, may give up, and has no watch. Nobody inside can change
//!    that, as the keeper is borrowed.
//! 3. Each shortcut here does what `leave`, `finish` and `decide` would come to; where it is not certain of
//!    that, they are asked.

use crate::{
    answer::Answer,
    asking::{self, Asking, answer_top},
    context::Context,
    few::Few,
    frame::waker_id,
    heard::{Bits, Heard, Said},
    keeper::{Keeper, Mode, Seat, Start},
    node::{Node, ScopeRef, address},
    promise::{Parting, Watch},
    spare,
    watch::{self, Enrolled},
};
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, Waker},
};

/// What one poll came to.
pub(crate) enum Step<T> {
    Pending,
    Ready(T),
    /// The context has ended. The caller drops the future, and returns the record (see `Keeper::refusal`).
    GivesUp,
}

/// One poll of a live checkpoint. `line` is the address of the context's line, and zero if it has none.
#[inline]
pub(crate) fn advance<F: Future>(
    future: Pin<&mut F>,
    line: usize,
    (context, keeper): (&Context, &mut Keeper),
    cx: &mut TaskContext<'_>,
) -> Step<F::Output> {
    let before = keeper.joins(line, cx);
    let asking = if before == Said::NEVER {
        aside();
        let asking = keeper.enter(context, line, cx);
        if let Some(start) = asking.stops() {
            return match start {
                Start::Refused => Step::GivesUp,
                Start::Waits | Start::Goes => Step::Pending,
            };
        }
        asking
    } else {
        Asking::joined(before)
    };
    let guard = asking.guard(keeper);
    let polled = future.poll(cx);
    guard.disarm();
    match polled {
        Poll::Pending => {
            if asking::relies_since(before) {
                return Step::Pending;
            }
            aside();
            if keeper.stay(asking, context, cx) {
                return Step::Pending;
            }
            Step::GivesUp
        }
        Poll::Ready(output) => {
            if keeper.was_answered || !asking::nothing_since(before) {
                aside();
                keeper.deliver(asking, context, cx.waker());
            }
            Step::Ready(output)
        }
    }
}

/// What follows is to stand aside of the code of a call within a call, which there are many of.
#[cold]
#[inline]
const fn aside() {}

impl Keeper {
    /// What the frame had heard that this one joins, if it is the simplest case of all.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "of a call within a call this is all there is"
    )]
    fn joins(&self, line: usize, cx: &TaskContext<'_>) -> Said {
        if self.may_join() {
            asking::heard_by(line, cx)
        } else {
            Said::NEVER
        }
    }

    /// Before the poll, in all other cases.
    #[inline(never)]
    fn enter(&mut self, context: &Context, line: usize, cx: &mut TaskContext<'_>) -> Asking {
        if !self.has_started() {
            let start = self.start(context, cx);
            if start != Start::Goes {
                return Asking::stopped(start);
            }
        }
        if line == 0 {
            return Asking::nobody();
        }
        self.ask(context, line, cx)
    }

    /// The future was ready: the watch ends.
    #[inline(never)]
    pub(crate) fn deliver(&mut self, asking: Asking, context: &Context, waker: &Waker) {
        if asking.is_nobody() {
            return;
        }
        if asking.leaves_unheard() {
            // Nobody else asks either, so nobody is there to take an answer back from.
            if self.was_answered || !self.keeps_quiet_seat(waker) {
                self.finish(context, Few::new(), Some(waker));
                self.was_answered = self.relied;
            }
            return;
        }
        match asking.leave_simply() {
            Some(bits) => {
                self.was_answered |= bits.answered();
                if self.was_answered || !self.keeps_seat(waker) {
                    self.finish_heard(bits.into(), context, waker);
                }
            }
            None => self.deliver_heard(asking.leave(), context, waker),
        }
    }

    #[inline(never)]
    pub(crate) fn deliver_heard(&mut self, heard: Heard, context: &Context, waker: &Waker) {
        self.was_answered |= heard.bits.answered() && !heard.bits.joined();
        if heard.rare.is_some() || self.was_answered || !self.keeps_seat(waker) {
            self.finish_heard(heard, context, waker);
        }
    }

    #[inline(never)]
    fn finish_heard(&mut self, heard: Heard, context: &Context, waker: &Waker) {
        let answered = heard.bits.answered() && !heard.bits.joined();
        self.relied |= heard.bits.relied();
        self.finish(context, heard.into_handed(), Some(waker));
        // Who answered in this poll may be in the future still, and is dropped with it. That goes for those
        // of earlier polls too, but they were told.
        self.was_answered = answered || self.relied;
    }

    /// The future stayed pending. False if the checkpoint gives up.
    #[inline(never)]
    fn stay(&mut self, asking: Asking, context: &Context, cx: &mut TaskContext<'_>) -> bool {
        if asking.is_nobody() {
            return true;
        }
        if asking.leaves_unheard() {
            return self.stay_unheard(context, cx);
        }
        let simple = asking.leave_simply();
        let Some(line) = context.line() else {
            return true;
        };
        #[cfg(feature = "testing")]
        if let Some(bits) = simple {
            crate::probe::pends(self, bits.answered());
        }
        match simple {
            Some(bits) => self.stays(line, bits, cx) || self.stay_or_part(bits.into(), line, cx),
            None => self.stay_joined(asking, line, cx),
        }
    }

    /// The same for one that nobody answered, and that nobody asks.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is a part of its one caller")]
    fn stay_unheard(&mut self, context: &Context, cx: &mut TaskContext<'_>) -> bool {
        let Some(line) = context.line() else {
            return true;
        };
        #[cfg(feature = "testing")]
        crate::probe::pends(self, false);
        let waits = match &self.watch {
            // The waker stands in the list, and is woken by whoever ends the scope after this look at it.
            Some(watch) => {
                let waits = watch.is_quiet() && watch.is_just(waker_id(cx.waker()));
                waits && self.mode == Mode::Race && line.state.load().is_quiet()
            }
            None => false,
        };
        waits
            || self.stays(line, Bits::default(), cx)
            || self.stay_or_part(Heard::default(), line, cx)
    }

    #[inline(never)]
    fn stay_joined(&mut self, asking: Asking, line: &Arc<Node>, cx: &mut TaskContext<'_>) -> bool {
        let heard = asking.leave();
        #[cfg(feature = "testing")]
        crate::probe::pends(self, heard.bits.answered());
        let stays = heard.rare.is_none() && self.stays(line, heard.bits, cx);
        stays || self.stay_or_part(heard, line, cx)
    }

    #[inline(never)]
    fn stay_or_part(&mut self, heard: Heard, line: &Arc<Node>, cx: &mut TaskContext<'_>) -> bool {
        let mut wakers = Few::new();
        if self.decide(line, heard, &mut wakers, cx).is_none() {
            return true;
        }
        self.rare().parting = Some(Parting {
            wakers,
            current: Some(cx.waker().clone()),
            asking: None,
        });
        false
    }

    /// The future was ready, and nobody was promised anything: the waker stays in the list.
    #[inline]
    fn keeps_quiet_seat(&mut self, waker: &Waker) -> bool {
        match &self.watch {
            None => true,
            Some(watch)
                if self.seat == Seat::Taken
                    && watch.answer.is_none()
                    && watch.is_just(waker_id(waker)) =>
            {
                self.seat = Seat::Free;
                true
            }
            Some(_) => false,
        }
    }

    /// The future was ready, and nobody was promised anything that cannot be taken back here.
    ///
    /// The waker stays in the list for the next await of the function, which mostly has the same one. The
    /// answer is taken back from the asker that is at work, and so the asker needs it no more.
    fn keeps_seat(&mut self, waker: &Waker) -> bool {
        match &mut self.watch {
            None => true,
            Some(watch) if self.seat == Seat::Taken && watch.is_just(waker_id(waker)) => {
                let free = asking::take_back_from_top(watch.answer);
                if free {
                    watch.answer = Answer::NONE;
                    self.seat = Seat::Free;
                }
                free
            }
            Some(_) => false,
        }
    }

    /// The future stayed pending: true if that was one of the two common cases, and all is done: the
    /// innermost waits as it did before, or the outermost was answered.
    #[inline]
    fn stays(&mut self, line: &Arc<Node>, heard: Bits, cx: &mut TaskContext<'_>) -> bool {
        if self.mode != Mode::Race || heard.unsure() {
            return false;
        }
        if heard.answered() {
            return self.stays_answered(heard, cx.waker());
        }
        let Some(scope) = ScopeRef::of(line) else {
            return false;
        };
        match &mut self.watch {
            Some(watch) if watch.is_just(waker_id(cx.waker())) => {
                !scope.is_ended() && waits_on(watch, scope, cx)
            }
            None => self.waits_first(scope, cx),
            Some(_) => false,
        }
    }

    fn stays_answered(&mut self, heard: Bits, waker: &Waker) -> bool {
        self.was_answered |= !heard.joined();
        self.relied |= heard.relied();
        // From an earlier await it may wait still. It is woken for nothing then, but with those inside.
        let quiet = match &self.watch {
            None => true,
            Some(watch) => watch.answer.is_none() && watch.is_just(waker_id(waker)),
        };
        if quiet && heard.joined() && self.watch.is_none() {
            asking::rely();
        }
        quiet && (heard.joined() || asking::nobody_asks())
    }

    /// The innermost enters the list for the first time. False if there is more to do.
    fn waits_first(&mut self, scope: ScopeRef<'_>, cx: &mut TaskContext<'_>) -> bool {
        let watch = self.watch.insert(spare::take());
        match watch::enroll(scope, &mut watch.key, cx.waker()) {
            Enrolled::Waiting { replaced: None } => {
                watch.waker = waker_id(cx.waker());
                waits_on(watch, scope, cx)
            }
            _ => false,
        }
    }
}

/// The rest of it for one whose waker stands in the list: the deadline, and the answer. False if there is
/// more to do.
#[inline]
fn waits_on(watch: &mut Watch, scope: ScopeRef<'_>, cx: &mut TaskContext<'_>) -> bool {
    let in_time = scope.own.deadline.is_none()
        || watch::poll_deadline(scope, &mut watch.timer, cx).is_pending();
    in_time && answer_top(&mut watch.answer, address(scope.node), watch.waker)
}
