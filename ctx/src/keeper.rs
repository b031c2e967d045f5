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
//! 4. Where the context ends between an answer and the end of the poll, an answer with the same waker is
//!    enough, since that waker was woken; with another waker the checkpoint wakes itself, to look again.

use crate::{
    answer::{self, Answer, Answers, Manner, More, wake},
    context::Context,
    end::Record,
    few::Few,
    frame::{Asking, Heard, remember_over},
    hold::Hold,
    node::{Node, ScopeRef},
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
    answer: Answer,
    key: Key,
    mode: Mode,
    started: bool,
    /// Whether anybody inside ever answered, and so may look for this checkpoint when it goes away.
    was_answered: bool,
    rare: Option<Box<Rare>>,
}

/// What most checkpoints never need.
struct Rare {
    timer: Option<Timer>,
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

impl Drop for Keeper {
    #[inline]
    fn drop(&mut self) {
        if self.rare.is_some() {
            self.end_parting();
        }
    }
}

impl Keeper {
    pub(crate) const fn new(mode: Mode) -> Self {
        Self {
            answer: Answer::NONE,
            key: Key::NONE,
            mode,
            started: false,
            was_answered: false,
            rare: None,
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
                Poll::Ready(scope.record())
            }
            _ => Poll::Ready(None),
        }
    }

    /// Whether nobody would notice if this checkpoint went away.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        !self.was_answered && self.is_quiet()
    }

    /// Whether this checkpoint keeps watch for nobody, itself included.
    #[inline]
    fn is_quiet(&self) -> bool {
        self.answer.is_none() && self.key == Key::NONE && self.rare.is_none()
    }

    #[inline]
    pub(crate) fn has_started(&self) -> bool {
        self.started
    }

    /// Opens the frame in which the future is polled.
    #[inline]
    pub(crate) fn ask(&mut self, line: &Arc<Node>, waker: &Waker) -> Asking {
        let asking = Asking::poll(line, self.address(), waker);
        if let Some(rare) = &mut self.rare {
            if let Some(hold) = rare.hold.take() {
                hold.awake();
                Asking::lend(hold);
            }
        }
        asking
    }

    /// The future was ready: the watch ends.
    #[inline]
    pub(crate) fn deliver(&mut self, context: &Context, heard: Heard, waker: &Waker) {
        let answered = heard.answers > 0;
        self.was_answered |= answered;
        if !(heard.is_plain() && self.is_idle()) {
            self.finish(context, heard.into_handed(), Some(waker));
            // Who answered in this poll may be in the future still, and is dropped with it.
            self.was_answered = answered;
        }
    }

    /// The future stayed pending: `None` if that was the common case of a call within a call, and all is
    /// done, else what was heard.
    #[inline]
    pub(crate) fn leave_pending(
        &mut self,
        asking: Asking,
        line: &Arc<Node>,
        waker: &Waker,
    ) -> Option<Heard> {
        if self.mode != Mode::Race || self.key != Key::NONE || self.rare.is_some() {
            return Some(asking.leave());
        }
        let heard = answer::leave_answering(asking, &mut self.answer, line, waker);
        self.was_answered |= heard.is_none();
        heard
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
        let (answered, foreign) = (heard.answers > 0, heard.foreign);
        self.was_answered |= answered;
        let held = self.keep_hold(heard.take_hold(), cx.waker());
        *wakers = heard.into_handed();
        let watches = match ScopeRef::of(line) {
            Some(scope) if self.mode == Mode::Race && !held && (!answered || foreign) => {
                match self.wait(scope, wakers, cx) {
                    Some(record) if !answered => return Some(record),
                    // The answer was given before the end, and with a waker that may lead nowhere.
                    Some(_) => wake(cx.waker()),
                    None => {}
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
        self.give_answers(line, cx.waker(), manner);
        None
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
        if let Some(hold) = self.rare.as_mut().and_then(|rare| rare.hold.take()) {
            hold.awake();
        }
        let parting = self.rare.as_mut().and_then(|rare| rare.parting.take());
        let mut parting = parting.unwrap_or_default();
        if let Some(scope) = context.scope() {
            parting.wakers.extend(watch::withdraw(scope, &mut self.key));
        }
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

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(|| {
            Box::new(Rare {
                timer: None,
                hold: None,
                more: More::default(),
                parting: None,
            })
        })
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
        match watch::enroll(scope, &mut self.key, cx.waker()) {
            Enrolled::Ended(record) => return Some(record),
            Enrolled::Waiting { replaced } => wakers.extend(replaced),
        }
        scope.own.deadline.as_ref()?;
        match watch::poll_deadline(scope, &mut self.rare().timer, cx) {
            Poll::Ready(record) => Some(record),
            Poll::Pending => None,
        }
    }

    /// Leaves the scope's list, since somebody inside keeps watch now.
    fn stop_waiting(&mut self, scope: ScopeRef<'_>, wakers: &mut Few<Waker>) {
        wakers.extend(watch::withdraw(scope, &mut self.key));
        if let Some(rare) = &mut self.rare {
            rare.timer = None;
        }
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
        let plain = manner == Manner::Watches && self.rare.is_none();
        if plain && answer::answer_nearest(&mut self.answer, line, waker) {
            return;
        }
        self.with_answers(|mut answers| answers.give(line, waker, manner));
    }

    fn with_answers<R>(&mut self, act: impl FnOnce(Answers<'_>) -> R) -> R {
        let mut more = match &mut self.rare {
            Some(rare) => std::mem::take(&mut rare.more),
            None => More::default(),
        };
        let result = act(Answers {
            first: &mut self.answer,
            more: &mut more,
        });
        if !more.is_empty() {
            self.rare().more = more;
        }
        result
    }

    /// The future is ready or was refused: the checkpoint leaves its askers, the list and those it held.
    fn finish(&mut self, context: &Context, mut wakers: Few<Waker>, current: Option<&Waker>) {
        if let Some(scope) = context.scope() {
            wakers.extend(watch::withdraw(scope, &mut self.key));
        }
        self.leave(wakers, current);
    }

    /// The future has been dropped.
    fn end_parting(&mut self) {
        let parting = self.rare.as_mut().and_then(|rare| rare.parting.take());
        let Some(mut parting) = parting else { return };
        if let Some(asking) = parting.asking {
            parting
                .wakers
                .extend(asking.leave().into_handed().take_all());
        }
        self.leave(parting.wakers, parting.current.as_ref());
    }

    fn leave(&mut self, wakers: Few<Waker>, current: Option<&Waker>) {
        let settled = match &self.rare {
            None => answer::leave(&mut self.answer, wakers, current),
            Some(_) => self.with_answers(|answers| answers.leave(wakers, current)),
        };
        self.rare = None;
        if self.was_answered && settled {
            remember_over(self.address());
        }
    }
}
