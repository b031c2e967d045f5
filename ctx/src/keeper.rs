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
    answer::{self, Answer, Answers, Manner, More, wake},
    context::Context,
    end::Record,
    few::Few,
    frame::{self, Asking, Heard, WakerId, answer_top, waker_id},
    hold::Hold,
    node::{Node, ScopeRef, address},
    stack::remember_over,
    timer::Timer,
    wait_list::Key,
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
    watch: Option<Box<Watch>>,
    mode: Mode,
    started: bool,
    /// Whether anybody inside ever answered its frame, and so may look for it when it goes away.
    was_answered: bool,
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

/// What a checkpoint has promised, and how it waits.
struct Watch {
    answer: Answer,
    /// The waker that stands in the scope's list under `key`.
    waker: WakerId,
    key: Key,
    timer: Option<Timer>,
    rare: Option<Box<Rare>>,
}

/// What most checkpoints never need.
#[derive(Default)]
struct Rare {
    hold: Option<Arc<Hold>>,
    more: More,
    /// From the decision to give up, or from the start of its drop, to its end.
    parting: Option<Parting>,
}

/// A checkpoint that goes away, while its future is dropped.
#[derive(Default)]
struct Parting {
    /// The wakers that kept watch.
    wakers: Few<Waker>,
    /// The waker of the poll in which it gave up.
    current: Option<Waker>,
    /// What stands for it on the stack.
    asking: Option<Asking>,
}

impl Watch {
    const fn new() -> Self {
        Self {
            answer: Answer::NONE,
            waker: (0, 0),
            key: Key::NONE,
            timer: None,
            rare: None,
        }
    }

    /// Whether a waker like this one stands in the scope's list.
    #[inline]
    fn is_in_list(&self, waker: WakerId) -> bool {
        self.waker == waker && self.key != Key::NONE
    }

    /// Whether it does no more than to wait with a waker like this one, and for a deadline.
    #[inline]
    fn is_just(&self, waker: WakerId) -> bool {
        self.is_in_list(waker) && self.rare.is_none()
    }

    /// Takes the waker out of the scope's list.
    fn withdraw(&mut self, scope: ScopeRef<'_>) -> Option<Waker> {
        self.timer = None;
        watch::withdraw(scope, &mut self.key)
    }
}

impl Drop for Keeper {
    #[inline]
    fn drop(&mut self) {
        #[cfg(feature = "testing")]
        crate::probe::goes(self);
        if self.may_be_parting() {
            self.end_parting();
        }
    }
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
    pub(crate) fn refusal<T>(&self, context: &Context) -> Result<T, Record> {
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
    pub(crate) fn ask(&mut self, context: &Context, line: usize, waker: &Waker) -> Asking {
        if self.watch.is_none() && self.mode == Mode::Race {
            if let Some(asking) = Asking::join(line, waker) {
                return asking;
            }
        }
        self.ask_alone(context, line, waker)
    }

    #[inline(never)]
    fn ask_alone(&mut self, context: &Context, line: usize, waker: &Waker) -> Asking {
        let usual = match &self.watch {
            Some(watch) => watch.rare.is_none(),
            None => true,
        };
        if usual && self.mode == Mode::Race {
            if let Some(asking) = Asking::join(line, waker) {
                return asking;
            }
        }
        let Some(line) = context.line() else {
            return Asking::mute();
        };
        let asking = Asking::alone(line, self.address(), waker);
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
    pub(crate) fn deliver(&mut self, asking: Asking, context: &Context, waker: &Waker) {
        if !(self.is_idle() && asking.joined_and_only(false)) {
            self.deliver_heard(asking.leave(), context, waker);
        }
    }

    #[inline]
    pub(crate) fn deliver_heard(&mut self, heard: Heard, context: &Context, waker: &Waker) {
        let answered = heard.answered() && !heard.joined();
        self.was_answered |= answered;
        if heard.rare.is_none() && !self.was_answered && self.keeps_seat(waker) {
            return;
        }
        self.finish_heard(heard, context, waker, answered);
    }

    #[inline(never)]
    fn finish_heard(&mut self, heard: Heard, context: &Context, waker: &Waker, answered: bool) {
        self.finish(context, heard.into_handed(), Some(waker));
        // Who answered in this poll may be in the future still, and is dropped with it.
        self.was_answered = answered;
    }

    /// The future stayed pending: the record if the checkpoint gives up. Then the caller drops the future.
    #[inline(always)]
    pub(crate) fn stay(
        &mut self,
        asking: Asking,
        context: &Context,
        cx: &mut TaskContext<'_>,
    ) -> Option<Record> {
        // A call within a call: the one inside waits for both.
        if self.watch.is_none() && asking.joined_and_only(true) {
            return None;
        }
        self.stay_alone(asking, context, cx)
    }

    #[inline]
    fn stay_alone(
        &mut self,
        asking: Asking,
        context: &Context,
        cx: &mut TaskContext<'_>,
    ) -> Option<Record> {
        let heard = asking.leave();
        let line = context.line()?;
        #[cfg(feature = "testing")]
        crate::probe::pends(self, heard.answered());
        if self.stays(line, &heard, cx.waker()) {
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

    /// The future was ready, and nobody was promised anything that cannot be taken back here.
    ///
    /// The waker stays in the list for the next await of the function, which mostly has the same one. The
    /// answer is taken back from the asker that is at work, and so the asker needs it no more.
    #[inline]
    fn keeps_seat(&mut self, waker: &Waker) -> bool {
        match &mut self.watch {
            None => true,
            Some(watch) if self.seat == Seat::Taken && watch.is_just(waker_id(waker)) => {
                let free = frame::take_back_from_top(watch.answer);
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
    fn stays(&mut self, line: &Arc<Node>, heard: &Heard, waker: &Waker) -> bool {
        if self.mode != Mode::Race || heard.rare.is_some() || heard.unsure() {
            return false;
        }
        let id = waker_id(waker);
        if heard.answered() {
            self.was_answered |= !heard.joined();
            // From an earlier await it may wait still. It is woken for nothing then, but with those inside.
            let quiet = match &self.watch {
                None => true,
                Some(watch) => watch.answer.is_none() && watch.is_just(id),
            };
            return quiet && (heard.joined() || frame::nobody_asks());
        }
        let Some(scope) = ScopeRef::of(line) else {
            return false;
        };
        match &mut self.watch {
            // Where there is a timer, it must be asked.
            Some(watch) if watch.is_just(id) && watch.timer.is_none() => {
                !scope.is_ended() && answer_top(&mut watch.answer, address(line), id)
            }
            None if scope.own.deadline.is_none() => self.waits_first(scope, waker),
            _ => false,
        }
    }

    /// The innermost enters the list for the first time. False if there is more to do.
    fn waits_first(&mut self, scope: ScopeRef<'_>, waker: &Waker) -> bool {
        let watch = self.watch.insert(Box::new(Watch::new()));
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
        let (answered, unsure, joined) = (heard.answered(), heard.unsure(), heard.joined());
        self.was_answered |= answered && !joined;
        let hold = heard.rare.as_mut().and_then(|rare| rare.hold.take());
        let held = self.keep_hold(hold, cx.waker());
        *wakers = heard.into_handed();
        let watches = match ScopeRef::of(line) {
            Some(scope) if self.mode == Mode::Race && !held && (!answered || unsure) => {
                match self.wait(scope, wakers, cx) {
                    Some(record) if !answered => return Some(record),
                    // The answer was given before the end, and with a waker that may lead nowhere.
                    Some(_) => wake(cx.waker()),
                    None => {}
                }
                if joined {
                    frame::watch_for_foreigners();
                }
                true
            }
            Some(scope) => {
                self.stop_waiting(scope, wakers);
                answered
            }
            None => answered || !held,
        };
        let manner = match self.mode {
            Mode::Between => Manner::Holds,
            Mode::Race if watches => Manner::Watches,
            Mode::Race => Manner::IsHeld,
        };
        self.pass_on(wakers, cx.waker());
        if answered && joined && !unsure && !held && self.promised_nothing_else() {
            return None;
        }
        self.give_answers(line, cx.waker(), manner);
        None
    }

    /// For one that joined and was answered: forgets what it had promised to the frame that it joined. False
    /// if there is more to it.
    fn promised_nothing_else(&mut self) -> bool {
        match &self.watch {
            None => true,
            Some(watch) if watch.rare.is_none() => {
                let forgets = frame::take_back_from_top(watch.answer);
                if forgets {
                    self.watch = None;
                }
                forgets
            }
            Some(_) => false,
        }
    }

    /// The checkpoint goes away, and its future is dropped next. Its own drop, after that, ends the watch
    /// where somebody in the future may look for it meanwhile.
    pub(crate) fn close(&mut self, context: &Context) {
        if let Some(hold) = self.take_hold() {
            hold.awake();
        }
        let rare = self.watch.as_mut().and_then(|watch| watch.rare.as_mut());
        let parting = rare.and_then(|rare| rare.parting.take());
        let mut parting = parting.unwrap_or_default();
        parting.wakers.extend(self.withdraw(context));
        if self.was_answered || parting.current.is_some() {
            parting.asking = Some(Asking::drop_of(self.address()));
            self.rare().parting = Some(parting);
        } else {
            self.leave(parting.wakers, None);
        }
    }

    /// What tells this checkpoint from others: it is pinned from its first poll on.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    fn watch(&mut self) -> &mut Watch {
        self.watch.get_or_insert_with(|| Box::new(Watch::new()))
    }

    #[cfg(feature = "testing")]
    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    fn rare(&mut self) -> &mut Rare {
        self.watch().rare.get_or_insert_default()
    }

    fn take_hold(&mut self) -> Option<Arc<Hold>> {
        self.watch.as_mut()?.rare.as_mut()?.hold.take()
    }

    /// Takes the hold back from the frame; whether a shield inside holds this checkpoint.
    fn keep_hold(&mut self, hold: Option<Arc<Hold>>, waker: &Waker) -> bool {
        let Some(hold) = hold else { return false };
        let must_wait = hold.asleep(waker);
        self.rare().hold = Some(hold);
        must_wait
    }

    /// Waits in the scope's list, and for its deadline; the record if it has ended.
    fn wait(
        &mut self,
        scope: ScopeRef<'_>,
        wakers: &mut Few<Waker>,
        cx: &mut TaskContext<'_>,
    ) -> Option<Record> {
        let watch = self.watch();
        let id = waker_id(cx.waker());
        if !watch.is_in_list(id) {
            match watch::enroll(scope, &mut watch.key, cx.waker()) {
                Enrolled::Ended(record) => return Some(record),
                Enrolled::Waiting { replaced } => wakers.extend(replaced),
            }
            watch.waker = id;
        } else if scope.is_ended() {
            return scope.record();
        }
        scope.own.deadline.as_ref()?;
        match watch::poll_deadline(scope, &mut watch.timer, cx) {
            Poll::Ready(record) => Some(record),
            Poll::Pending => None,
        }
    }

    /// Leaves the scope's list, since somebody inside keeps watch now.
    fn stop_waiting(&mut self, scope: ScopeRef<'_>, wakers: &mut Few<Waker>) {
        if let Some(watch) = &mut self.watch {
            wakers.extend(watch.withdraw(scope));
        }
    }

    /// Leaves the list of the context's scope.
    fn withdraw(&mut self, context: &Context) -> Option<Waker> {
        self.watch.as_mut()?.withdraw(context.scope()?)
    }

    /// Wakers that kept watch for the askers and no longer do, while this checkpoint goes on.
    fn pass_on(&mut self, wakers: &mut Few<Waker>, current: &Waker) {
        if wakers.is_empty() {
            return;
        }
        let mut others = Few::new();
        others.extend(wakers.take_all().filter(|it| !it.will_wake(current)));
        if !others.is_empty() {
            self.with_answers(|mut answers| answers.pass_on(others, current));
        }
    }

    fn give_answers(&mut self, line: &Arc<Node>, waker: &Waker, manner: Manner) {
        let watch = self.watch();
        let plain = manner == Manner::Watches && watch.rare.is_none();
        if plain && answer_top(&mut watch.answer, address(line), waker_id(waker)) {
            return;
        }
        self.with_answers(|mut answers| answers.give(line, waker, manner));
    }

    fn with_answers<R>(&mut self, act: impl FnOnce(Answers<'_>) -> R) -> R {
        let watch = self.watch();
        let mut more = match &mut watch.rare {
            Some(rare) => std::mem::take(&mut rare.more),
            None => More::default(),
        };
        let result = act(Answers {
            first: &mut watch.answer,
            more: &mut more,
        });
        if !more.is_empty() {
            self.rare().more = more;
        }
        result
    }

    /// The future is ready or was refused: the checkpoint leaves its askers, the list and those it held.
    fn finish(&mut self, context: &Context, mut wakers: Few<Waker>, current: Option<&Waker>) {
        wakers.extend(self.withdraw(context));
        self.leave(wakers, current);
    }

    /// The function is over, and with it all its checkpoints.
    pub(crate) fn end(&mut self, context: &Context) {
        let Some(watch) = &mut self.watch else { return };
        if watch.rare.is_some() || !watch.answer.is_none() {
            self.finish(context, Few::new(), None);
        } else if let Some(scope) = context.scope() {
            let waker = watch.withdraw(scope);
            self.watch = None;
            drop(waker);
        }
    }

    #[inline]
    pub(crate) fn may_be_parting(&self) -> bool {
        matches!(&self.watch, Some(watch) if watch.rare.is_some())
    }

    /// The future has been dropped.
    #[cold]
    pub(crate) fn end_parting(&mut self) {
        let rare = self.watch.as_mut().and_then(|watch| watch.rare.as_mut());
        let parting = rare.and_then(|rare| rare.parting.take());
        let Some(mut parting) = parting else { return };
        if let Some(asking) = parting.asking {
            let mut handed = asking.leave().into_handed();
            parting.wakers.extend(handed.take_all());
        }
        self.leave(parting.wakers, parting.current.as_ref());
    }

    fn leave(&mut self, wakers: Few<Waker>, current: Option<&Waker>) {
        let settled = match &mut self.watch {
            None => true,
            Some(watch) if watch.rare.is_none() => {
                answer::leave(&mut watch.answer, wakers, current)
            }
            Some(_) => self.with_answers(|answers| answers.leave(wakers, current)),
        };
        self.watch = None;
        if std::mem::take(&mut self.was_answered) && settled {
            remember_over(self.address());
        }
    }
}
