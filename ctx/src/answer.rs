//! Who answers: how the innermost checkpoint comes to decide (rule C3), and nobody is left unwatched (C8).
//!
//! A checkpoint that stays pending *answers* the nearest frame whose line it descends from. One that was
//! answered neither registers with its context nor fires; it is pending itself, so it answers the next
//! frame, and so on. Only the innermost waits in a list.
//!
//! 1. An answer counts for one poll of the asker. Frame and answer carry the number of that poll.
//! 2. An asker whose answerer has another waker (a combinator stands between them) registers itself too,
//!    and leaves the decision to the answerer. Such a *foreign* answerer owes it nothing: it only takes
//!    its answer back if it goes away in the same poll. So a waker that leads nowhere any more, since the
//!    answerer was taken out of its combinator or of a nested executor, loses no wake-up.
//! 3. An answerer with the asker's own waker keeps watch for it until the asker is polled again: the waker
//!    that stands in a list is the answerer's, or that of somebody inside it. Where such an answerer goes
//!    away (it finished, it was dropped, it is polled with another waker), then
//!    - if the asker is being polled, the answer is withdrawn, and the asker decides at the end of the
//!      poll; the waker is handed to it, if it is not its own, for those whom the asker has answered;
//!    - if it is being dropped, it needs no watch, but the waker is handed to it in the same way;
//!    - if it is over, nobody needs anything: when it ended, those whom it had answered were told;
//!    - otherwise it is away, and the waker is woken, so that it is polled and looks for itself.
//! 4. An answerer that answers somebody else now, while the earlier asker is away, still keeps watch for
//!    it as long as it waits with the same waker. It *owes* that one a wake-up when it stops. (Waking at
//!    once would make two askers that poll one future in turn wake each other without end.)
//! 5. Across a shield there are no answers but holds, in every frame that descends through it.
//!    One that is held decides nothing, so it holds askers itself from the nearest one on that has another waker, if
//!    no shield does: each of them would look for a decision again and again.
//! 6. One that is over may leave behind those who have answered it and nobody around it, though these are
//!    polled inside them all the same. In that poll nobody around it is certain any more who answered; and one that
//!    is over without being certain has left behind what one inside it has.
//! 7. Frames of another task are not asked. Tasks are told apart by their ids, looked at only where the
//!    wakers differ.

use crate::{
    descent::{Descent, descent},
    few::Few,
    frame::{Frame, Marks, WakerId, waker_id},
    hold::{Held, Shield},
    name::Name,
    node::Node,
    stack::{Rare, Stack, is_over, take_over, with_stack},
    sweep::contain,
};
use std::{sync::Arc, task::Waker};

/// Whom a checkpoint has answered: the asking checkpoint's name, and which of its polls.
#[derive(Clone, Copy)]
pub(crate) struct Answer {
    /// The name, which is marked in a foreign answer. Zero where there is none.
    asker: u64,
    pub(crate) poll: u64,
}

impl Answer {
    /// It is of no poll, nor of one that has no number yet.
    pub(crate) const NONE: Answer = Answer {
        asker: 0,
        poll: u64::MAX,
    };

    fn to(frame: &Frame, foreign: bool) -> Self {
        Self {
            asker: frame.owner.marked(foreign),
            poll: frame.poll,
        }
    }

    /// An answer with the asker's own waker.
    #[inline]
    pub(crate) fn near(owner: Name, poll: u64) -> Self {
        let asker = owner.marked(false);
        Self { asker, poll }
    }

    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self.asker == 0
    }

    #[inline]
    pub(crate) fn owner(self) -> Name {
        Name::unmarked(self.asker)
    }

    fn is_foreign(self) -> bool {
        self.asker != self.owner().marked(false)
    }

    fn repeats(self, other: Answer) -> bool {
        self.owner() == other.owner() && self.poll == other.poll
    }
}

/// What a checkpoint's answers seldom need.
#[derive(Default)]
pub(crate) struct More {
    /// The answers beyond the first.
    answers: Vec<Answer>,
    /// Whom it holds until it ends.
    held: Held,
    /// Whom it holds as long as it is held itself.
    meanwhile: Held,
    /// Whether an earlier asker, which is away, relies on this checkpoint's watch.
    owes: bool,
    /// Whether such an asker may rely on the waker of somebody inside, which is not that of the latest poll. For the
    /// latter it has been woken.
    owes_others: bool,
    /// How often it has told those who were away that it is elsewhere, since it is held.
    told: u8,
}

impl More {
    pub(crate) fn is_empty(&self) -> bool {
        let holds_nobody = self.held.is_nobody() && self.meanwhile.is_nobody();
        let owes_nobody = !self.owes && !self.owes_others;
        self.answers.is_empty() && holds_nobody && owes_nobody && self.told == 0
    }

    /// By what it holds others as long as it is held.
    pub(crate) fn meanwhile(&self) -> Option<&Shield> {
        self.meanwhile.get()
    }

    /// Wakes those whom it owes that: `wakers` kept watch for them, or `current` is theirs. Which of them are owed is not
    /// known any more. Whether one with the waker of the latest poll was.
    fn pay(&mut self, wakers: &Few<Waker>, current: Option<&Waker>) -> bool {
        let owes = std::mem::take(&mut self.owes);
        if std::mem::take(&mut self.owes_others) || owes {
            wakers.iter().for_each(wake);
        }
        current.filter(|_| owes).into_iter().for_each(wake);
        owes
    }

    /// No shield holds the checkpoint.
    pub(crate) fn is_held_no_more(&mut self) {
        self.told = 0;
    }
}

/// As often as this a checkpoint that is held tells that it is elsewhere: it hardly moves so often, and two who poll
/// it by turns are soon at rest.
const OFTEN: u8 = 8;

/// How a checkpoint stays pending.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Its waker, or that of somebody inside, stands in a list.
    Watches,
    /// It waits for a shield inside, and stands in no list.
    IsHeld,
    /// It must not be dropped: whatever its line, all related frames are held and none is answered.
    Holds,
}

/// All of one checkpoint's answers.
pub(crate) struct Answers<'a> {
    pub(crate) first: &'a mut Answer,
    pub(crate) more: &'a mut More,
}

impl Answers<'_> {
    /// Answers, and holds, for a checkpoint on `line` that stays pending.
    pub(crate) fn give(&mut self, line: &Arc<Node>, waker: &Waker, manner: Manner) {
        let tells = self.more.told < OFTEN;
        // This wakes those who are away, so nothing is borrowed here. Those at work are about to be held again.
        if tells && self.more.meanwhile.let_go() {
            self.more.told += 1;
        }
        let left_away = with_stack(|stack| {
            let mut given = self.answer_frames(stack, line, waker_id(waker), manner);
            if given.is_empty() && manner == Manner::Watches {
                // It keeps watch for those whom it answered before.
                return false;
            }
            let mut given = given.take_all();
            let first = std::mem::replace(self.first, given.next().unwrap_or(Answer::NONE));
            let others = std::mem::replace(&mut self.more.answers, given.collect());
            let mut away = false;
            for earlier in std::iter::once(first).chain(others) {
                if earlier.is_none() || self.includes(earlier) {
                    continue;
                }
                match stack.asker(earlier) {
                    Some((frame, _)) => frame.take_back(earlier),
                    None => away |= !earlier.is_foreign() && !is_over(earlier),
                }
            }
            away
        });
        self.more.owes |= left_away.unwrap_or(false);
        // One that was held before, too: who is away, and has its waker, may wait for an end that it is held from telling.
        if tells && manner == Manner::IsHeld && self.more.owes {
            self.more.owes = false;
            self.more.owes_others = true;
            self.more.told += 1;
            wake(waker);
        }
    }

    fn answer_frames(
        &mut self,
        stack: &mut Stack,
        line: &Arc<Node>,
        id: WakerId,
        manner: Manner,
    ) -> Few<Answer> {
        let mut given = Few::new();
        let mut task = None;
        let (mut answers, mut passes_foreign) = (true, false);
        let frames = stack.frames.iter_mut().rev();
        for (frame, rare) in frames.filter(|(frame, _)| !frame.is_dropping()) {
            let foreign = frame.waker != id;
            if foreign && *task.get_or_insert_with(tokio::task::try_id) != frame.task {
                break;
            }
            passes_foreign |= foreign;
            let knows = || rare.as_ref().is_some_and(|rare| rare.is_held());
            let holds = match (descent(line, frame.line), manner) {
                (None, _) => continue,
                (Some(Descent::Shielded), _) | (_, Manner::Holds) => Some(&mut self.more.held),
                (_, Manner::IsHeld) if passes_foreign && !knows() => Some(&mut self.more.meanwhile),
                _ => None,
            };
            if let Some(held) = holds {
                frame.mark_rare();
                Rare::of(rare).held_by(held.shield());
            } else if answers {
                let answer = Answer::to(frame, foreign);
                frame.take_answer(!self.includes(answer), foreign);
                given.push(answer);
                let last = !frame.marks.has(Marks::SHIELDED) && frame.is_ordered();
                if last && manner != Manner::IsHeld {
                    break;
                }
                answers = !(last || frame.marks.has(Marks::SHIELDED));
            }
        }
        given
    }

    fn includes(&self, answer: Answer) -> bool {
        let mut all = std::iter::once(&*self.first).chain(&self.more.answers);
        all.any(|it| it.repeats(answer))
    }

    /// The checkpoint goes on with the waker `current`; the `others` kept watch until now.
    pub(crate) fn pass_on(&mut self, mut others: Few<Waker>, current: &Waker) {
        self.more.pay(&others, Some(current));
        for answer in &mut self.more.answers {
            if tell(*answer, &mut copies(&others), News::GoesOn) == Asker::Away {
                others.iter().for_each(wake);
                *answer = Answer::NONE;
            }
        }
        if tell(*self.first, &mut others, News::GoesOn) == Asker::Away {
            others.iter().for_each(wake);
            *self.first = Answer::NONE;
        }
    }

    /// The same as [`leave`] for one with more answers than one.
    pub(crate) fn leave(self, wakers: Few<Waker>, current: Option<&Waker>) -> bool {
        let mut settled = !self.more.pay(&wakers, current) || !wakers.is_empty();
        for mut answer in self.more.answers.drain(..) {
            settled &= leave(&mut answer, copies(&wakers), current);
        }
        settled & leave(self.first, wakers, current)
    }
}

/// The checkpoint is over, and with it the watch that `wakers` kept; `current` is the waker of this poll,
/// if it is one. Whether it is certain that nobody relies on the watch any more.
#[inline]
pub(crate) fn leave(answer: &mut Answer, mut wakers: Few<Waker>, current: Option<&Waker>) -> bool {
    if answer.is_none() {
        return true;
    }
    let known = !wakers.is_empty();
    let answer = std::mem::replace(answer, Answer::NONE);
    let told = tell(answer, &mut wakers, News::Leaves) == Asker::Told;
    if !told {
        wakers.iter().chain(current).for_each(wake);
    }
    told || known
}

/// What there is to tell an asker.
#[derive(Clone, Copy, PartialEq, Eq)]
enum News {
    GoesOn,
    Leaves,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asker {
    /// It sees to itself, or there is nothing to see to.
    Told,
    Away,
}

/// Tells an asker what becomes of its answerer. If it is at work it takes the wakers that are not its
/// own; those left are of no more use. Where it is away they are all left, to be woken.
fn tell(answer: Answer, wakers: &mut Few<Waker>, news: News) -> Asker {
    if answer.is_none() {
        return Asker::Told;
    }
    let told = with_stack(|stack| {
        let Some((frame, rare)) = stack.asker(answer) else {
            return answer.is_foreign() || is_over(answer);
        };
        if news == News::Leaves {
            frame.take_back(answer);
        }
        if !answer.is_foreign() {
            take_over(frame, rare, wakers);
        }
        true
    });
    match told {
        Some(true) => Asker::Told,
        Some(false) | None => Asker::Away,
    }
}

/// A checkpoint on `line` is over, and has left its frame. Whoever answered it in this poll may be pending still,
/// so those around it whose poll `began_before` that, and whom nobody else may have answered, look once more before they
/// decide.
#[cold]
pub(crate) fn leave_behind(line: &Arc<Node>, began_before: u64) {
    let task = tokio::task::try_id();
    with_stack(|stack| {
        let frames = stack.frames.iter_mut().rev().map(|(frame, _)| frame);
        let asking = frames.take_while(|frame| frame.task == task);
        let concerned = |frame: &&mut Frame| !frame.is_dropping() && frame.poll < began_before;
        for frame in asking.filter(concerned) {
            if matches!(descent(line, frame.line), Some(Descent::Open)) {
                frame.misses_an_answer();
                if frame.is_ordered() {
                    break;
                }
            }
        }
    });
}

fn copies(wakers: &Few<Waker>) -> Few<Waker> {
    let mut copies = Few::new();
    copies.extend(wakers.iter().cloned());
    copies
}

pub(crate) fn wake(waker: &Waker) {
    contain(|| waker.wake_by_ref());
}
