//! The part of a checkpoint that does not depend on the future it guards: when to start it, when to give
//! it up, and who keeps watch meanwhile.
//!
//! A checkpoint is in one of these states between two polls:
//!
//! ```text
//!   fresh       not started; it may have been polled, and stopped by the budget
//!   answered    pending; one inside keeps watch, as its answer in the latest poll said
//!   waiting     pending; its waker stands in the scope's list
//!   held        pending; a shield inside must end first, and will wake it
//!   over        ready, or given up
//! ```
//!
//! 1. It gives up only in a poll in which its future stayed pending, nobody answered and nobody holds it
//!    (rules C2, C3).
//! 2. Pending, it is answered, waiting or held, so that its end is noticed; or it cannot end (a shield) or
//!    will not (`between`), and then it holds those around it.
//! 3. Whatever leaves one of these states passes on its watch as `answer` demands (rule C8).
//! 4. One that had no frame of its own (see `frame`) and was answered has nothing to promise: who answered
//!    inside it has answered the one around it.
//! 5. Where the context ends between an answer and the end of the poll, an answer with the same waker is
//!    enough, since that waker was woken; with another waker the checkpoint wakes itself, to look again.

use crate::{
    answer::{Answer, Manner, wake},
    asking::{self, Asking, answer_top},
    context::Context,
    end::Record,
    few::Few,
    frame::waker_id,
    heard::{Bits, Heard},
    node::{Node, ScopeRef, address},
    promise::{Parting, Watch},
    spare,
    watch::{self, Enrolled},
};
use std::{
    sync::Arc,
    task::{Context as TaskContext, Poll, Waker},
};
use tokio::task::coop;

/// What a checkpoint does when its context ends while its future is pending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// It drops the future and returns the error.
    Race,
    /// It lets the future run to its end, and holds every checkpoint around it.
    Between,
}

/// Whether a checkpoint's future may start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Start {
    Goes,
    /// Not in this poll: the budget is used up.
    Waits,
    /// Never: the context has ended.
    Refused,
}

/// The state of one checkpoint.
pub struct Keeper {
    /// What it needs only where it waits itself, or has promised something.
    pub(crate) watch: Option<Box<Watch>>,
    mode: Mode,
    started: bool,
    /// Whether anybody inside ever answered its frame, and so may look for it when it goes away.
    pub(crate) was_answered: bool,
    /// Whether others ever relied on such an answer, and so may need it when this checkpoint is over.
    pub(crate) relied: bool,
    /// Whether it keeps its place in the list for the next await of the same function (see `body`).
    seat: Seat,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seat {
    /// There is no next await.
    None,
    /// There is one, and a future is awaited now.
    Taken,
    /// Nothing is awaited now. If there is a watch, it `is_just` a waker in the list, and nobody was
    /// promised anything.
    Free,
}

impl Keeper {
    pub(crate) const fn new(mode: Mode) -> Self {
        Self::with(mode, Seat::None)
    }

    /// The state of all the checkpoints of one function, which follow each other.
    pub(crate) const fn shared() -> Self {
        Self::with(Mode::Race, Seat::Free)
    }

    const fn with(mode: Mode, seat: Seat) -> Self {
        Self {
            watch: None,
            mode,
            started: false,
            was_answered: false,
            relied: false,
            seat,
        }
    }

    /// The next checkpoint begins.
    #[inline]
    pub(crate) fn begin(&mut self, mode: Mode) {
        self.mode = mode;
        self.started = false;
        self.seat = Seat::Taken;
    }

    /// Before the first poll: whether the future may start.
    pub(crate) fn start(&mut self, context: &Context, cx: &mut TaskContext<'_>) -> Start {
        match coop::poll_proceed(cx) {
            Poll::Ready(budget) => budget.made_progress(),
            Poll::Pending => {
                // The budget has woken the task already, so this needs no watch; it only keeps the
                // decision here (rule C3).
                if let Some(line) = context.line() {
                    self.give_answers(line, cx.waker(), Manner::Watches);
                }
                return Start::Waits;
            }
        }
        self.started = true;
        if !context.is_cancelled() {
            return Start::Goes;
        }
        self.finish(context, Few::new(), Some(cx.waker()));
        Start::Refused
    }

    /// What refused the future.
    #[cold]
    pub(crate) fn refusal<T>(context: &Context) -> Result<T, Record> {
        let record = context.scope().and_then(ScopeRef::observe);
        Err(record.expect("a context that ended stays so"))
    }

    /// Whether nobody would notice if this checkpoint went away.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        !self.was_answered && (self.watch.is_none() || self.seat == Seat::Free)
    }

    #[inline]
    pub(crate) fn has_started(&self) -> bool {
        self.started
    }

    /// Asks, while the future is polled. `line` is the address of the context's line.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "of a call within a call this is all there is"
    )]
    pub(crate) fn ask(&mut self, context: &Context, line: usize, cx: &TaskContext<'_>) -> Asking {
        if self.watch.is_none() && self.mode == Mode::Race {
            if let Some(asking) = Asking::join(line, cx) {
                return asking;
            }
        }
        self.ask_alone(context, line, cx)
    }

    #[inline(never)]
    fn ask_alone(&mut self, context: &Context, line: usize, cx: &TaskContext<'_>) -> Asking {
        let usual = self.watch.as_ref().is_none_or(|watch| watch.rare.is_none());
        if usual {
            if let Some(asking) = Asking::first(line, self.address(), cx) {
                return asking;
            }
            if self.mode == Mode::Race {
                let joined = Asking::join(line, cx);
                if let Some(asking) = joined.or_else(|| Asking::join_with(line, cx.waker())) {
                    return asking;
                }
            }
        }
        self.ask_above(context, cx, usual)
    }

    #[inline(never)]
    fn ask_above(&mut self, context: &Context, cx: &TaskContext<'_>, usual: bool) -> Asking {
        let Some(line) = context.line() else {
            return Asking::mute();
        };
        let owner = self.address();
        let asking = Asking::first(address(line), owner, cx)
            .unwrap_or_else(|| Asking::above(line, owner, cx));
        if !usual {
            self.lend_hold();
        }
        asking
    }

    #[cold]
    fn lend_hold(&mut self) {
        if let Some(hold) = self.take_hold() {
            hold.awake();
            Asking::lend(hold);
        }
    }

    /// The future was ready: the watch ends.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "of a call within a call this is all there is"
    )]
    pub(crate) fn deliver(&mut self, asking: Asking, context: &Context, waker: &Waker) {
        if !(self.is_idle() && asking.joined_in_vain()) {
            self.deliver_alone(asking, context, waker);
        }
    }

    #[inline(never)]
    fn deliver_alone(&mut self, asking: Asking, context: &Context, waker: &Waker) {
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

    /// The future stayed pending: the record if the checkpoint gives up. Then the caller drops the future.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "of a call within a call this is all there is"
    )]
    pub(crate) fn stay(
        &mut self,
        asking: Asking,
        context: &Context,
        cx: &mut TaskContext<'_>,
    ) -> Option<Record> {
        // A call within a call: the one inside waits for both.
        if self.watch.is_none() && asking.joined_and_relies() {
            return None;
        }
        self.stay_alone(asking, context, cx)
    }

    #[inline(never)]
    fn stay_alone(
        &mut self,
        asking: Asking,
        context: &Context,
        cx: &mut TaskContext<'_>,
    ) -> Option<Record> {
        if asking.leaves_unheard() {
            return self.stay_unheard(context, cx);
        }
        let simple = asking.leave_simply();
        let line = context.line()?;
        #[cfg(feature = "testing")]
        if let Some(bits) = simple {
            crate::probe::pends(self, bits.answered());
        }
        match simple {
            Some(bits) if self.stays(line, bits, cx.waker()) => None,
            Some(bits) => self.stay_or_part(bits.into(), line, cx),
            None => self.stay_joined(asking, line, cx),
        }
    }

    /// The same for one that nobody answered, and that nobody asks.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is a part of its one caller")]
    fn stay_unheard(&mut self, context: &Context, cx: &mut TaskContext<'_>) -> Option<Record> {
        let line = context.line()?;
        #[cfg(feature = "testing")]
        crate::probe::pends(self, false);
        let waits = match &self.watch {
            Some(watch) => {
                let waits = watch.is_quiet() && watch.is_just(waker_id(cx.waker()));
                waits && self.mode == Mode::Race && line.state.load().is_quiet()
            }
            None => false,
        };
        if waits || self.stays(line, Bits::default(), cx.waker()) {
            return None;
        }
        self.stay_or_part(Heard::default(), line, cx)
    }

    #[inline(never)]
    fn stay_joined(
        &mut self,
        asking: Asking,
        line: &Arc<Node>,
        cx: &mut TaskContext<'_>,
    ) -> Option<Record> {
        let heard = asking.leave();
        #[cfg(feature = "testing")]
        crate::probe::pends(self, heard.bits.answered());
        if heard.rare.is_none() && self.stays(line, heard.bits, cx.waker()) {
            return None;
        }
        self.stay_or_part(heard, line, cx)
    }

    #[inline(never)]
    fn stay_or_part(
        &mut self,
        heard: Heard,
        line: &Arc<Node>,
        cx: &mut TaskContext<'_>,
    ) -> Option<Record> {
        let mut wakers = Few::new();
        let record = self.decide(line, heard, &mut wakers, cx)?;
        self.rare().parting = Some(Parting {
            wakers,
            current: Some(cx.waker().clone()),
            asking: None,
        });
        Some(record)
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
    #[inline]
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
    fn stays(&mut self, line: &Arc<Node>, heard: Bits, waker: &Waker) -> bool {
        if self.mode != Mode::Race || heard.unsure() {
            return false;
        }
        if heard.answered() {
            return self.stays_answered(heard, waker);
        }
        let Some(scope) = ScopeRef::of(line) else {
            return false;
        };
        match &mut self.watch {
            // Where there is a timer, it must be asked. The waker stands in the list, and is woken by whoever
            // ends the scope after this look at it.
            Some(watch) if watch.is_just(waker_id(waker)) && watch.timer.is_none() => {
                !scope.is_ended() && answer_top(&mut watch.answer, address(line), watch.waker)
            }
            None if scope.own.deadline.is_none() => self.waits_first(scope, waker),
            _ => false,
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
    fn waits_first(&mut self, scope: ScopeRef<'_>, waker: &Waker) -> bool {
        let watch = self.watch.insert(spare::take());
        match watch::enroll(scope, &mut watch.key, waker) {
            Enrolled::Waiting { replaced: None } => {
                watch.waker = waker_id(waker);
                answer_top(&mut watch.answer, address(scope.node), watch.waker)
            }
            _ => false,
        }
    }

    /// Decides, in a poll in which the future stayed pending: the record if the checkpoint is to give up.
    pub(crate) fn decide(
        &mut self,
        line: &Arc<Node>,
        mut heard: Heard,
        wakers: &mut Few<Waker>,
        cx: &mut TaskContext<'_>,
    ) -> Option<Record> {
        let (answered, unsure, joined) = (
            heard.bits.answered(),
            heard.bits.unsure(),
            heard.bits.joined(),
        );
        self.was_answered |= answered && !joined;
        self.relied |= heard.bits.relied();
        let hold = heard.rare.as_mut().and_then(|rare| rare.hold.take());
        let must_wait = self.keep_hold(hold, cx.waker());
        *wakers = heard.into_handed();
        let watches = match ScopeRef::of(line) {
            Some(scope) if self.mode == Mode::Race && !must_wait && (!answered || unsure) => {
                if let Some(record) = self.wait_as(answered || unsure, scope, wakers, cx) {
                    return Some(record);
                }
                if joined {
                    asking::watch_for_foreigners();
                }
                true
            }
            Some(scope) => {
                self.stop_waiting(scope, wakers);
                answered
            }
            None => answered || !must_wait,
        };
        self.pass_on(wakers, cx.waker());
        let quiet = answered && joined && !unsure && !must_wait;
        if !(quiet && self.promised_nothing_else()) {
            self.give_answers(line, cx.waker(), self.manner(watches));
        }
        None
    }

    /// Waits; the record if the checkpoint is to give up, which one that `leaves` the decision does not.
    fn wait_as(
        &mut self,
        leaves: bool,
        scope: ScopeRef<'_>,
        wakers: &mut Few<Waker>,
        cx: &mut TaskContext<'_>,
    ) -> Option<Record> {
        let record = self.wait(scope, wakers, cx)?;
        if leaves {
            // The answer was given before the end, and with a waker that may lead nowhere.
            wake(cx.waker());
            return None;
        }
        Some(record)
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
        match &self.watch {
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

    /// What tells this checkpoint from others: it is pinned from its first poll on.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    #[cfg(feature = "testing")]
    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }
}
