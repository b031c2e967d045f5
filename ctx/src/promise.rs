//! What a checkpoint has promised to those around it, and how it is released from that.
//!
//! Most checkpoints are answered by one inside, and promise nothing. One that waits itself, or has answered
//! or holds somebody, keeps that in a box, its `Watch`.
//!
//! 1. A waker of the checkpoint stands in the scope's list only under `key`, and is like `waker`.
//! 2. However a checkpoint leaves the state that it was in, it passes on its watch as `answer` demands: what
//!    it had promised goes to `answer::leave` before the box is dropped.
//! 3. It leaves in up to three steps. Where it gives up, `parting` keeps the wakers that kept watch until the
//!    future is dropped; while it is, a frame stands for the checkpoint (`close`), to which those inside
//!    hand what they had; and after it the watch is left (`end_parting`).

use crate::{
    answer::{self, Answer, Answers, Manner, More},
    aside::aside,
    asking::{Asking, answer_top},
    context::Context,
    few::Few,
    frame::{WakerId, waker_id},
    hold::Hold,
    keeper::Keeper,
    node::{Node, ScopeRef, address},
    spare,
    stack::remember_over,
    timer::Timer,
    wait_list::Key,
    watch::{self, Enrolled},
};
use std::{
    sync::Arc,
    task::{Context as TaskContext, Waker},
};

/// What a checkpoint has promised, and how it waits.
pub(crate) struct Watch {
    pub(crate) answer: Answer,
    /// What the waker is like that stands in the scope's list under `key`.
    pub(crate) waker: WakerId,
    pub(crate) key: Key,
    pub(crate) timer: Timer,
    pub(crate) rare: Option<Box<Rare>>,
}

/// What most checkpoints never need.
#[derive(Default)]
pub(crate) struct Rare {
    hold: Option<Arc<Hold>>,
    more: More,
    /// The thread's latest poll when a `between` call was answered last.
    pub(crate) answered_in: u64,
    /// It waits for the sake of those who joined its frame (see `Keeper::decide`).
    pub(crate) minds: bool,
    /// From the decision to give up, or from the start of its drop, to its end.
    pub(crate) parting: Option<Parting>,
}

/// A checkpoint that goes away, while its future is dropped.
#[derive(Default)]
pub(crate) struct Parting {
    /// The wakers that kept watch.
    pub(crate) wakers: Few<Waker>,
    /// The waker of the poll in which it gave up.
    pub(crate) current: Option<Waker>,
    /// What stands for it on the stack.
    pub(crate) asking: Option<Asking>,
}

impl Watch {
    pub(crate) const fn new() -> Self {
        Self {
            answer: Answer::NONE,
            waker: (0, 0),
            key: Key::NONE,
            timer: Timer::unset(),
            rare: None,
        }
    }

    /// As if it were new.
    #[inline]
    pub(crate) fn reset(&mut self) {
        self.answer = Answer::NONE;
        self.key = Key::NONE;
        if self.timer.is_set() || self.rare.is_some() {
            self.timer.stop();
            self.rare = None;
        }
    }

    /// Whether a waker like this one stands in the scope's list.
    #[inline]
    fn is_in_list(&self, waker: WakerId) -> bool {
        self.waker == waker && self.key != Key::NONE
    }

    /// Whether it does no more than to wait with a waker like this one, and for a deadline.
    #[inline]
    pub(crate) fn is_just(&self, waker: WakerId) -> bool {
        self.is_in_list(waker) && self.rare.is_none()
    }

    /// Whether it has promised nothing, and holds nobody.
    #[inline]
    fn owes_nobody(&self) -> bool {
        self.answer.is_none() && self.rare.is_none()
    }

    /// The thread's latest poll when a `between` call was answered last; zero if it never was.
    pub(crate) fn answered_in(&self) -> u64 {
        self.rare.as_ref().map_or(0, |rare| rare.answered_in)
    }

    /// Takes the waker out of the scope's list.
    #[inline]
    pub(crate) fn withdraw(&mut self, scope: ScopeRef<'_>) -> Option<Waker> {
        self.timer.stop();
        watch::withdraw(scope, &mut self.key)
    }
}

impl Drop for Keeper {
    #[inline]
    fn drop(&mut self) {
        #[cfg(feature = "testing")]
        crate::probe::goes(self);
        if !self.is_bare() {
            self.drop_watch();
        }
    }
}

impl Keeper {
    #[cold]
    fn drop_watch(&mut self) {
        self.end_parting();
        drop(self.watch.take());
    }

    /// The checkpoint goes away, and its future is dropped next. Most owe nothing, and that is one look.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is one comparison")]
    pub(crate) fn goes(&mut self, context: &Context) {
        if !self.is_bare() {
            aside();
            self.close(context);
        }
    }

    /// Its own drop, after the future's, ends the watch where somebody in the future may look for it meanwhile.
    #[inline(never)]
    fn close(&mut self, context: &Context) {
        if self.is_idle() {
            return;
        }
        let waker = self.take_hold().and_then(|hold| hold.awake());
        let rare = self.watch.as_mut().and_then(|watch| watch.rare.as_mut());
        let parting = rare.and_then(|rare| rare.parting.take());
        let mut parting = parting.unwrap_or_default();
        parting.wakers.extend(waker);
        parting.wakers.extend(self.withdraw(context));
        if self.was_answered() || parting.current.is_some() {
            parting.asking = Some(Asking::drop_of(self.name()));
            self.rare().parting = Some(parting);
        } else {
            self.leave(parting.wakers, None);
        }
    }

    /// The watch is over, and with it what it had promised.
    #[inline]
    pub(crate) fn forget_watch(&mut self) {
        if let Some(watch) = self.watch.take() {
            spare::put(watch);
        }
    }

    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.watch().rare.get_or_insert_default()
    }

    /// Whether it waits for the sake of those who joined its frame.
    pub(crate) fn minds(&self) -> bool {
        let rare = self.watch.as_ref().and_then(|watch| watch.rare.as_ref());
        rare.is_some_and(|rare| rare.minds)
    }

    pub(crate) fn take_hold(&mut self) -> Option<Arc<Hold>> {
        self.watch.as_mut()?.rare.as_mut()?.hold.take()
    }

    /// Takes the hold back from the frame; whether a shield inside holds this checkpoint.
    pub(crate) fn keep_hold(&mut self, hold: Option<Arc<Hold>>, waker: &Waker) -> bool {
        let Some(hold) = hold else { return false };
        let must_wait = hold.asleep(waker);
        if !must_wait {
            self.rare().more.is_held_no_more();
        }
        self.keep_awake(hold);
        must_wait
    }

    /// The same where there is no poll at whose end it could be held.
    pub(crate) fn keep_awake(&mut self, hold: Arc<Hold>) {
        self.rare().hold = Some(hold);
    }

    /// Waits in the scope's list, and for its deadline. False if the scope has ended.
    pub(crate) fn wait(
        &mut self,
        scope: ScopeRef<'_>,
        wakers: &mut Few<Waker>,
        cx: &mut TaskContext<'_>,
    ) -> bool {
        let watch = self.watch();
        let id = waker_id(cx.waker());
        if !watch.is_in_list(id) {
            match watch::enroll(scope, &mut watch.key, cx.waker()) {
                Enrolled::Ended => return false,
                Enrolled::Waiting { replaced } => wakers.extend(replaced),
            }
            watch.waker = id;
        } else if scope.is_ended() {
            return false;
        }
        scope.own.deadline.is_none()
            || watch::poll_deadline(scope, &mut watch.timer, cx).is_pending()
    }

    /// Leaves the scope's list, since somebody inside keeps watch now.
    pub(crate) fn stop_waiting(&mut self, scope: ScopeRef<'_>, wakers: &mut Few<Waker>) {
        if let Some(watch) = &mut *self.watch {
            wakers.extend(watch.withdraw(scope));
        }
    }

    /// Leaves the list of the context's scope.
    fn withdraw(&mut self, context: &Context) -> Option<Waker> {
        self.watch.as_mut()?.withdraw(context.scope()?)
    }

    /// Wakers that kept watch for the askers and no longer do, while this checkpoint goes on.
    pub(crate) fn pass_on(&mut self, wakers: &mut Few<Waker>, current: &Waker) {
        if wakers.is_empty() {
            return;
        }
        let mut others = Few::new();
        others.extend(wakers.take_all().filter(|it| !it.will_wake(current)));
        if !others.is_empty() {
            self.with_answers(|mut answers| answers.pass_on(others, current));
        }
    }

    pub(crate) fn give_answers(&mut self, line: &Arc<Node>, waker: &Waker, manner: Manner) {
        let watch = self.watch();
        let plain = manner == Manner::Watches && watch.rare.is_none();
        if plain && answer_top(&mut watch.answer, address(line), waker_id(waker)) {
            return;
        }
        self.with_answers(|mut answers| answers.give(line, waker, manner));
        let rare = self.watch.as_ref().and_then(|watch| watch.rare.as_ref());
        if let Some((hold, shield)) =
            rare.and_then(|rare| Some((rare.hold.as_ref()?, rare.more.meanwhile()?)))
        {
            hold.passes_on(shield);
        }
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
    pub(crate) fn finish(
        &mut self,
        context: &Context,
        wakers: Few<Waker>,
        current: Option<&Waker>,
    ) {
        if !(wakers.is_empty() && self.leaves_quietly(context)) {
            self.finish_all(context, wakers, current);
        }
    }

    #[inline(never)]
    fn finish_all(&mut self, context: &Context, mut wakers: Few<Waker>, current: Option<&Waker>) {
        wakers.extend(self.withdraw(context));
        self.leave(wakers, current);
    }

    /// Leaves the list where that is all there is to do, as nobody was promised anything, nor looks for it.
    #[inline]
    fn leaves_quietly(&mut self, context: &Context) -> bool {
        let quiet = !self.was_answered() && self.watch.as_ref().is_some_and(|it| it.owes_nobody());
        if quiet {
            self.leave_list(context);
        }
        quiet
    }

    /// The same for one that is known to have promised nothing.
    #[inline]
    pub(crate) fn leave_list(&mut self, context: &Context) {
        if let Some(watch) = self.watch.take() {
            leave_quietly(watch, context);
        }
    }

    /// The function is over, and with it all its checkpoints.
    #[inline]
    pub(crate) fn end(&mut self, context: &Context) {
        if self.watch.is_some() {
            aside();
            self.end_watch(context);
        }
    }

    /// It is taken here and not handed over, since what is handed over is to be dropped on more paths.
    #[inline(never)]
    fn end_watch(&mut self, context: &Context) {
        let Some(watch) = self.watch.take() else {
            return;
        };
        if !self.was_answered() && watch.owes_nobody() {
            leave_quietly(watch, context);
        } else {
            *self.watch = Some(watch);
            self.end_loudly(context);
        }
    }

    #[cold]
    fn end_loudly(&mut self, context: &Context) {
        self.finish_all(context, Few::new(), None);
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
        let settled = match &mut *self.watch {
            None => true,
            Some(watch) if watch.rare.is_none() => {
                answer::leave(&mut watch.answer, wakers, current)
            }
            Some(_) => self.with_answers(|answers| answers.leave(wakers, current)),
        };
        self.forget_watch();
        let name = self.is_forgotten();
        if name.is_some() && settled && !self.relied.ever() {
            remember_over(name);
        }
    }
}

/// Leaves the list, which is all there is to do.
#[inline(never)]
fn leave_quietly(mut watch: Box<Watch>, context: &Context) {
    let waker = context.scope().and_then(|scope| watch.withdraw(scope));
    spare::put_idle(watch);
    drop(waker);
}
