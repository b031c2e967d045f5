//! How a checkpoint asks by the frames of its thread, and what it hears; and the answers that are simple.
//!
//! 1. From where an asking is made to where it is left the stack below is as it was: what is put on top meanwhile
//!    is taken off again, by who put it there, or by its `Unwinding` where a poll panics. For polls end in the order in
//!    which calls do: who would switch stacks within one poll must not do that within a checkpoint's.
//! 2. One that joined leaves nothing behind that had to be taken off.
//! 3. An asking is left once. What is called `leaves_…` has left it where it is true, and done nothing otherwise.

use crate::{
    answer::Answer,
    aside::aside,
    frame::{Marks, WakerId, waker_id},
    heard::{Bits, Heard, Said},
    hold::Hold,
    keeper::Start,
    name::Name,
    node::{Address, NO_LINE, Node, address},
    stack::{self, Rare},
    top::{self, Top, with_top},
};
use std::{
    sync::Arc,
    task::{Context as TaskContext, Waker},
};

/// How a checkpoint asks while it polls its future. It ends by `leave`.
///
/// It is one word, which stays in a register during the poll: what the frame had heard that was joined, or why
/// none was.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Asking(Said);

impl Asking {
    /// By a frame of its own, above another one or for the drop of a future.
    const ABOVE: Asking = Asking(Said::never(0));
    /// By a frame of its own, which is the only one of the thread.
    const FIRST: Asking = Asking(Said::never(1));
    /// Not at all: the thread is being torn down, or the context cannot end.
    pub(crate) const MUTE: Asking = Asking(Said::never(2));
    /// Not at all: there is no poll, as the budget is used up. This and the next one are the greatest.
    const WAITS: Asking = Asking(Said::never(3));
    /// Not at all: there is no poll, as the context has ended.
    const REFUSED: Asking = Asking(Said::never(4));

    /// Asks by the frame that is there, if it is on `line` and has this task context.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "of a call within a call this is half of what there is"
    )]
    pub(crate) fn join(line: u64, cx: &TaskContext<'_>) -> Option<Self> {
        let cx = std::ptr::from_ref(cx).addr();
        with_top(|top| top.is_joined_by(line, cx).then(|| Self(top.said.get())))
    }

    /// The same for whatever task context, if its waker is the frame's.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is short where it is called for")]
    pub(crate) fn join_on(line: Address, cx: &TaskContext<'_>) -> Option<Self> {
        // Many small looks are inlined, and one great one is not.
        let joins = with_top(|top| top.joins.get());
        if joins != std::ptr::from_ref(cx).addr() {
            aside();
            if joins == 0 || with_top(|top| top.waker.get()) != waker_id(cx.waker()) {
                return None;
            }
        }
        let joins = with_top(|top| top.line.get()) == line;
        joins.then(|| Self(with_top(|top| top.said.get())))
    }

    /// The same for one that has a watch, and has given this `answer`.
    ///
    /// One that keeps watch for somebody else does not join: those inside would not answer it, and if it were
    /// dropped together with them it would have no waker left to tell that one with. Nor does one behind a
    /// shield, as it has to look for those whom it holds.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is short where it is called for")]
    pub(crate) fn join_seated(line: Address, answer: Answer, cx: &TaskContext<'_>) -> Option<Self> {
        // Both are looked at without a branch: the first await has given no answer, and the others have.
        let own = answer.is_none() | (with_top(|top| top.owner.get()) == answer.owner());
        let open = with_top(|top| !top.marks.get().has(Marks::SHIELDED));
        if !(own && open) {
            aside();
            return None;
        }
        Self::join_on(line, cx).map(|Self(said)| Self(said.marked()))
    }

    /// Asks by the first frame of the thread, where there is none, on behalf of the checkpoint of this name.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is a part of its callers")]
    pub(crate) fn first(line: Address, name: Name, cx: &TaskContext<'_>) -> Self {
        with_top(|top| {
            top.begin_alone(line, name, waker_id(cx.waker()));
            top.marks.set(Marks::PLAIN);
            top.joins.set(std::ptr::from_ref(cx).addr());
        });
        // What calls somebody else comes last, and so nothing is to be kept meanwhile.
        let task = tokio::task::try_id();
        with_top(|top| top.task.set(task));
        Self::FIRST
    }

    /// Asks by a frame above another one. `line` is the context's.
    #[inline(never)]
    pub(crate) fn above(line: &Arc<Node>, name: Name, cx: &TaskContext<'_>) -> Self {
        let waker = waker_id(cx.waker());
        Self::pushed(with_top(|top| {
            let (task, marks) = stack::continues(top, line, waker);
            if !top.cover() {
                return false;
            }
            top.begin(address(line), name, waker);
            top.task.set(task);
            top.marks.set(marks);
            if marks.has(Marks::ORDERED) {
                top.joins.set(std::ptr::from_ref(cx).addr());
            }
            true
        }))
    }

    /// Stands for a checkpoint that is dropping its future.
    pub(crate) fn drop_of(name: Name) -> Self {
        Self::pushed(with_top(|top| {
            if top.is_there() && !top.cover() {
                return false;
            }
            top.begin(NO_LINE, name, (0, 0));
            top.task.set(None);
            top.marks.set(Marks::PRESENT.and(Marks::DROPPING));
            true
        }))
    }

    /// Asks nobody, as the future is not polled.
    #[inline]
    pub(crate) fn stopped(start: Start) -> Self {
        match start {
            Start::Refused => Self::REFUSED,
            Start::Waits | Start::Goes => Self::WAITS,
        }
    }

    /// Why the future is not to be polled, if it is not.
    #[inline]
    pub(crate) fn stops(self) -> Option<Start> {
        if self < Self::WAITS {
            None
        } else if self == Self::REFUSED {
            Some(Start::Refused)
        } else {
            Some(Start::Waits)
        }
    }

    fn pushed(pushed: bool) -> Self {
        if pushed { Self::ABOVE } else { Self::MUTE }
    }

    /// Lends the latest frame its checkpoint's hold, for shields inside to find, and the waker that `slept` there.
    pub(crate) fn lend(hold: Arc<Hold>, slept: Option<Waker>) {
        stack::with_stack(|stack| {
            if let Some((frame, rare)) = stack.last_mut() {
                frame.mark_rare();
                Rare::of(rare).lend(hold, slept);
            }
        });
    }

    /// Whether it joined, and the frame was answered since, and nothing else came. Then the asking has ended, and it
    /// relies on the answers, which it is to say by `rely`.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "of a call within a call this is half of what there is"
    )]
    pub(crate) fn leaves_answered(self) -> bool {
        with_top(|top| top.said.get().was_only_answered_since(self.0))
    }

    /// Whether nothing came to it, and it joined without a watch, or has the only frame of the thread. Then the asking has
    /// ended.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is a part of its one caller")]
    pub(crate) fn leaves_at_once(self) -> bool {
        if self == Self::FIRST {
            with_top(Top::pop_unheard)
        } else {
            with_top(|top| top.said.get() == self.0)
        }
    }

    /// Whether it joined, and nothing came to the frame since. Then the asking has ended.
    #[inline]
    fn leaves_joined_unheard(self) -> bool {
        with_top(|top| top.said.get() == self.0.unmarked())
    }

    /// Ends the asking, if nothing came to it; a frame of its own must be the only one of the thread for that.
    #[inline]
    pub(crate) fn leaves_unheard(self) -> bool {
        match self {
            Self::FIRST => with_top(Top::pop_unheard),
            Self::ABOVE => false,
            _ => !self.has_joined() || self.leaves_joined_unheard(),
        }
    }

    /// The same for one that waits, and so answers the frame that it joined. Nothing is left to compare with
    /// that frame, as it compared when it was joined.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is a part of its one caller")]
    pub(crate) fn leaves_answering(self, answer: &mut Answer) -> bool {
        if self == Self::FIRST {
            return with_top(Top::pop_unheard);
        }
        // What has not joined is like nothing that a frame has heard.
        if !self.leaves_joined_unheard() {
            return false;
        }
        let Some(poll) = top::poll_at_once() else {
            aside();
            return false;
        };
        with_top(|top| top.take_answer(answer.poll != poll));
        *answer = Answer::near(with_top(|top| top.owner.get()), poll);
        true
    }

    /// The same for one whose future is ready, and that takes its answer back from the frame that it joined;
    /// one that is alone has nobody to take it back from.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is a part of its one caller")]
    pub(crate) fn leaves_taking_back(self, answer: &mut Answer) -> bool {
        if self == Self::FIRST {
            return answer.is_none() && with_top(Top::pop_unheard);
        }
        let unheard = self.leaves_joined_unheard();
        if unheard {
            if is_of_this_poll(*answer) {
                aside();
                with_top(Top::take_back);
            }
            *answer = Answer::NONE;
        }
        unheard
    }

    /// Whether it was by the only frame of the thread, where it has left that unheard. Then nobody else asks.
    #[inline]
    pub(crate) fn was_alone(self) -> bool {
        self == Self::FIRST
    }

    /// What it has heard if that is nothing.
    #[inline]
    pub(crate) fn nothing(self) -> Bits {
        if self.has_joined() {
            Bits::joining(false, false)
        } else {
            Bits::default()
        }
    }

    #[inline]
    fn has_joined(self) -> bool {
        self.0.was_joined()
    }

    /// Ends the asking by the only frame of the thread, if nothing came to it but answers: what it heard.
    #[inline]
    pub(crate) fn leave_simply(self) -> Option<Bits> {
        if self == Self::FIRST {
            with_top(Top::pop_simple)
        } else {
            None
        }
    }

    /// Ends the asking. A checkpoint that polled its future does it by `Keeper::leaves`, which keeps by what name it was
    /// answered.
    pub(crate) fn leave(self) -> Heard {
        with_top(|top| match self {
            Self::ABOVE | Self::FIRST => top.pop(),
            _ if self.has_joined() => top.heard_by_joined(self.0.unmarked()),
            _ => Heard::default(),
        })
    }
}

/// Answers the latest frame, if it is as simple as it mostly is: on the same line, with the same waker, and
/// the one that was answered before. True if it was, or if nobody asks.
#[inline]
pub(crate) fn answer_top(answer: &mut Answer, line: Address, waker: WakerId) -> bool {
    with_top(|top| {
        let marks = top.marks.get();
        if !top.is_there() {
            return true;
        }
        let simple = top.line.get() == line
            && top.waker.get() == waker
            && marks.has(Marks::ORDERED)
            && !marks.has(Marks::DROPPING.and(Marks::SHIELDED))
            && (answer.is_none() || top.owner.get() == answer.owner());
        if simple {
            let poll = top::poll();
            top.take_answer(answer.poll != poll);
            *answer = Answer::near(top.owner.get(), poll);
        }
        simple
    })
}

/// The checkpoint that calls this has joined the latest frame, was answered, and promises nothing.
#[inline]
pub(crate) fn rely() {
    with_top(Top::rely);
}

/// The checkpoint that calls this has joined the latest frame, and keeps the watch that is due where an
/// answerer inside has another waker. So the frame's own checkpoint need not.
pub(crate) fn watch_for_foreigners() {
    with_top(|top| top.marks.set(top.marks.get().without(Marks::FOREIGN)));
}

/// Takes an answer back that was given to the latest frame, in whatever poll. False if it was given to
/// somebody else.
#[inline]
pub(crate) fn take_back_from_top(answer: Answer) -> bool {
    with_top(|top| {
        if !top.is_there() || top.owner.get() != answer.owner() {
            return answer.is_none();
        }
        if top.is_poll(answer.poll) {
            top.take_back();
        }
        true
    })
}

/// Whether this answer was given in the poll that is at work.
#[inline]
fn is_of_this_poll(answer: Answer) -> bool {
    with_top(|top| top.is_poll(answer.poll))
}

/// Whether nobody asks.
#[inline]
pub(crate) fn nobody_asks() -> bool {
    with_top(|top| !top.is_there())
}
