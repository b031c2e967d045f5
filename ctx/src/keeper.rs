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
    few::Few,
    frame::{self, Asking, Heard, WakerId, answer_top, waker_id},
    hold::Hold,
    node::{Node, ScopeRef, address},
    stack::remember_over,
    state::Record,
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

/// The state of one checkpoint.
pub struct Keeper {
    /// What it needs only where it waits itself, or has promised something.
    watch: Option<Box<Watch>>,
    mode: Mode,
    started: bool,
    /// Whether anybody inside ever answered its frame, and so may look for it when it goes away.
    was_answered: bool,
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

    /// Whether a waker like this one stands in the scope's list, and that is all.
    #[inline]
    fn is_just(&self, waker: WakerId) -> bool {
        self.waker == waker
            && self.key != Key::NONE
            && self.timer.is_none()
            && self.rare.is_none()
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
        if self.watch.is_some() {
            self.end_parting();
        }
    }
}

impl Keeper {
    pub(crate) const fn new(mode: Mode) -> Self {
        Self {
            watch: None,
            mode,
            started: false,
            was_answered: false,
        }
    }

    /// Before the first poll: ready with `None` when the future may start, or with what refuses it.
    #[inline]
    pub(crate) fn start(
        &mut self,
        context: &Context,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Record>> {
        match coop::poll_proceed(cx) {
            Poll::Ready(budget) => budget.made_progress(),
            Poll::Pending => {
                // The budget has woken the task already, so this needs no watch; it only keeps the
                // decision here (rule C3).
                if let Some(line) = context.line() {
                    self.give_answers(line, cx.waker(), Manner::Watches);
                }
                return Poll::Pending;
            }
        }
        self.started = true;
        match context.scope() {
            Some(scope) if scope.is_ended() => {
                self.finish(context, Few::new(), Some(cx.waker()));
                Poll::Ready(scope.own.state.record())
            }
            _ => Poll::Ready(None),
        }
    }

    /// Whether nobody would notice if this checkpoint went away.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        !self.was_answered && self.watch.is_none()
    }

    #[inline]
    pub(crate) fn has_started(&self) -> bool {
        self.started
    }

    /// Asks, while the future is polled.
    #[inline]
    pub(crate) fn ask(&mut self, line: &Arc<Node>, waker: &Waker) -> Asking {
        let usual = match &self.watch {
            Some(watch) => watch.rare.is_none(),
            None => true,
        };
        let plain = usual && self.mode == Mode::Race;
        let asking = Asking::poll(line, self.address(), waker, plain);
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
    #[inline]
    pub(crate) fn deliver(&mut self, context: &Context, heard: Heard, waker: &Waker) {
        let answered = heard.answered && !heard.joined;
        self.was_answered |= answered;
        if !(heard.rare.is_none() && self.is_idle()) {
            self.finish(context, heard.into_handed(), Some(waker));
            // Who answered in this poll may be in the future still, and is dropped with it.
            self.was_answered = answered;
        }
    }

    /// The future stayed pending: true if that was one of the two common cases, and all is done. In a call
    /// within a call the innermost waits as it did before, and those around it were answered.
    #[inline]
    pub(crate) fn stays(&mut self, line: &Arc<Node>, heard: &Heard, waker: &Waker) -> bool {
        if self.mode != Mode::Race || heard.rare.is_some() || heard.unsure {
            return false;
        }
        match &mut self.watch {
            None if heard.answered => {
                self.was_answered |= !heard.joined;
                heard.joined || frame::nobody_asks()
            }
            Some(watch) if !heard.answered => {
                let id = waker_id(waker);
                watch.is_just(id)
                    && ScopeRef::of(line).is_some_and(|scope| !scope.is_ended())
                    && answer_top(&mut watch.answer, address(line), id)
            }
            _ => false,
        }
    }

    /// The future stayed pending: the record if the checkpoint is to give up. Then the caller says so to
    /// `part` and drops the future.
    pub(crate) fn stay(
        &mut self,
        line: &Arc<Node>,
        mut heard: Heard,
        wakers: &mut Few<Waker>,
        cx: &mut TaskContext<'_>,
    ) -> Option<Record> {
        let Heard {
            answered,
            unsure,
            joined,
            ..
        } = heard;
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

    /// This checkpoint is to give up, in the poll with the waker `current`: its future is dropped next.
    pub(crate) fn part(&mut self, wakers: Few<Waker>, current: &Waker) {
        self.rare().parting = Some(Parting {
            wakers,
            current: Some(current.clone()),
            asking: None,
        });
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
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    fn watch(&mut self) -> &mut Watch {
        self.watch.get_or_insert_with(|| Box::new(Watch::new()))
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
        match watch::enroll(scope, &mut watch.key, cx.waker()) {
            Enrolled::Ended(record) => return Some(record),
            Enrolled::Waiting { replaced } => wakers.extend(replaced),
        }
        watch.waker = waker_id(cx.waker());
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

    /// The future has been dropped.
    fn end_parting(&mut self) {
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
            Some(watch) if watch.rare.is_none() => answer::leave(&mut watch.answer, wakers, current),
            Some(_) => self.with_answers(|answers| answers.leave(wakers, current)),
        };
        self.watch = None;
        if self.was_answered && settled {
            remember_over(self.address());
        }
    }
}
