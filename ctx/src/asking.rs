//! How a checkpoint asks by the frames of its thread, and what it hears; and the answers that are simple.
//!
//! 1. Between `join` or `alone` and `leave` the stack below is as it was: what is put on top meanwhile is
//!    taken off again, by who put it there, or by its `Unwinding` where a poll panics.
//! 2. One that joined leaves nothing behind that had to be taken off.

use crate::{
    answer::Answer,
    frame::{Marks, Top, WakerId, waker_id, with_top},
    heard::{Bits, Heard, Said},
    hold::Hold,
    keeper::{Keeper, Start},
    node::{Node, address},
    stack::{self, Rare},
};
use std::{
    sync::Arc,
    task::{Context as TaskContext, Waker},
};

/// How a checkpoint asks while it polls its future. It ends by `leave`.
#[must_use]
#[derive(Clone, Copy)]
pub(crate) struct Asking {
    by: By,
    /// What the frame that it joined had heard.
    before: Said,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// By the frame that was there.
    Joined,
    /// By a frame of its own.
    Alone,
    /// Not at all: the thread is being torn down.
    Mute,
    /// Not at all: the context cannot end.
    Nobody,
    /// Not at all: there is no poll.
    Stopped(Start),
}

impl Asking {
    /// Asks by the frame that is there, if it is like the one that this checkpoint would put.
    #[inline]
    pub(crate) fn join(line: usize, cx: &TaskContext<'_>) -> Option<Self> {
        let before = heard_by(line, cx);
        (before != Said::NEVER).then(|| Self::joined(before))
    }

    /// The same where the waker is the frame's, in whatever task context.
    #[inline]
    pub(crate) fn join_with(line: usize, waker: &Waker) -> Option<Self> {
        let waker = waker_id(waker);
        with_top(|top| {
            let joins = top.is_joined_with(line, waker);
            joins.then(|| Self::joined(top.said.get()))
        })
    }

    /// Asks by a frame that had heard what came `before`.
    #[inline]
    pub(crate) fn joined(before: Said) -> Self {
        Self {
            by: By::Joined,
            before,
        }
    }

    /// Asks by the first frame of the thread, on behalf of the checkpoint at `owner`; nothing if there is
    /// a frame.
    #[inline]
    pub(crate) fn first(line: usize, owner: usize, cx: &TaskContext<'_>) -> Option<Self> {
        with_top(|top| {
            (!top.is_there()).then(|| {
                top.begin(line, owner, waker_id(cx.waker()));
                top.task.set(tokio::task::try_id());
                top.marks.set(Marks::PLAIN);
                top.joins.set(std::ptr::from_ref(cx).addr());
                Self::by(By::Alone)
            })
        })
    }

    /// Asks by a frame above another one. `line` is the context's.
    #[inline(never)]
    pub(crate) fn above(line: &Arc<Node>, owner: usize, cx: &TaskContext<'_>) -> Self {
        let waker = waker_id(cx.waker());
        Self::pushed(with_top(|top| {
            let (task, ordered) = stack::continues(top, line, waker);
            if !top.cover() {
                return false;
            }
            top.begin(address(line), owner, waker);
            top.task.set(task);
            if ordered {
                top.marks.set(Marks::PLAIN);
                top.joins.set(std::ptr::from_ref(cx).addr());
            } else {
                top.marks.set(Marks::PRESENT);
            }
            true
        }))
    }

    /// Stands for a checkpoint that is dropping its future.
    pub(crate) fn drop_of(owner: usize) -> Self {
        Self::pushed(with_top(|top| {
            if top.is_there() && !top.cover() {
                return false;
            }
            top.begin(0, owner, (0, 0));
            top.task.set(None);
            top.marks.set(Marks::PRESENT.and(Marks::DROPPING));
            true
        }))
    }

    /// Asks nobody.
    pub(crate) fn mute() -> Self {
        Self::by(By::Mute)
    }

    /// Asks nobody, as there is nothing to ask for.
    #[inline]
    pub(crate) fn nobody() -> Self {
        Self::by(By::Nobody)
    }

    /// Asks nobody, as the future is not polled.
    #[inline]
    pub(crate) fn stopped(start: Start) -> Self {
        Self::by(By::Stopped(start))
    }

    /// Why the future is not to be polled, if it is not.
    #[inline]
    pub(crate) fn stops(self) -> Option<Start> {
        match self.by {
            By::Stopped(start) => Some(start),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn is_nobody(self) -> bool {
        self.by == By::Nobody
    }

    fn pushed(pushed: bool) -> Self {
        Self::by(if pushed { By::Alone } else { By::Mute })
    }

    #[inline]
    fn by(by: By) -> Self {
        Self {
            by,
            before: Said::NOTHING,
        }
    }

    /// Lends the latest frame its checkpoint's hold, for shields inside to find.
    pub(crate) fn lend(hold: Arc<Hold>) {
        stack::with_stack(|stack| {
            if let Some((frame, rare)) = stack.last_mut() {
                frame.mark_rare();
                Rare::of(rare).lend(hold);
            }
        });
    }

    /// Ends the asking, should the poll panic.
    #[inline]
    pub(crate) fn guard(self, keeper: &mut Keeper) -> Unwinding<'_> {
        Unwinding {
            asking: self,
            keeper,
        }
    }

    /// Ends the asking by the only frame of the thread, if nothing came to it at all.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "it is the common end of a call that is not within one"
    )]
    pub(crate) fn leaves_unheard(self) -> bool {
        self.by == By::Alone && with_top(Top::pop_unheard)
    }

    /// Ends the asking where nothing came but answers: what it heard.
    #[inline]
    pub(crate) fn leave_simply(self) -> Option<Bits> {
        match self.by {
            By::Alone => with_top(Top::pop_simple),
            By::Joined if nothing_since(self.before) => Some(Bits::joining(false, false)),
            By::Joined | By::Mute | By::Nobody | By::Stopped(_) => None,
        }
    }

    /// Ends the asking.
    pub(crate) fn leave(self) -> Heard {
        with_top(|top| match self.by {
            By::Alone => top.pop(),
            By::Mute | By::Nobody | By::Stopped(_) => Heard::default(),
            By::Joined => top.heard_by_joined(self.before),
        })
    }
}

/// Ends the asking of a poll that panics. The checkpoint keeps what it heard, as those inside who stay
/// pending may outlive it, and whoever catches the panic may poll it again.
pub(crate) struct Unwinding<'k> {
    asking: Asking,
    keeper: &'k mut Keeper,
}

impl Unwinding<'_> {
    /// The poll has not panicked.
    #[inline]
    pub(crate) fn disarm(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unwinding<'_> {
    #[cold]
    fn drop(&mut self) {
        let heard = self.asking.leave();
        // Nobody else will see to these.
        let handed = self.keeper.keep(heard);
        handed.iter().for_each(crate::answer::wake);
    }
}

/// What the latest frame has heard, if one on `line` that is polled with this task context may join it.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "of a call within a call this is half of what there is"
)]
pub(crate) fn heard_by(line: usize, cx: &TaskContext<'_>) -> Said {
    let cx = std::ptr::from_ref(cx).addr();
    with_top(|top| {
        if top.is_joined_by(line, cx) {
            top.said.get()
        } else {
            Said::NEVER
        }
    })
}

/// Whether the frame that was joined has heard nothing since.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "of a call within a call this is half of what there is"
)]
pub(crate) fn nothing_since(before: Said) -> bool {
    with_top(|top| top.said.get() == before)
}

/// Whether the frame that was joined was answered since, and nothing else came. Then whoever asks here
/// relies on the answers.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "of a call within a call this is half of what there is"
)]
pub(crate) fn relies_since(before: Said) -> bool {
    with_top(|top| {
        let only_answered = top.said.get().was_only_answered_since(before);
        if only_answered {
            top.rely();
        }
        only_answered
    })
}

/// Answers the latest frame, if it is as simple as it mostly is: on the same line, with the same waker, and
/// the one that was answered before. True if it was, or if nobody asks.
#[inline]
pub(crate) fn answer_top(answer: &mut Answer, line: usize, waker: WakerId) -> bool {
    with_top(|top| {
        let marks = top.marks.get();
        if !top.is_there() {
            return true;
        }
        let simple = top.line.get() == line
            && top.waker.get() == waker
            && marks.has(Marks::ORDERED)
            && !marks.has(Marks::DROPPING)
            && (answer.is_none() || top.owner.get() == answer.owner());
        if simple {
            let poll = top.poll.get();
            top.take_answer(answer.poll != poll);
            *answer = Answer::near(top.owner.get(), poll);
        }
        simple
    })
}

/// The checkpoint that calls this has joined the latest frame, was answered, and promises nothing.
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
        if top.poll.get() == answer.poll {
            top.take_back();
        }
        true
    })
}

/// Whether one that has given this answer may join the latest frame.
///
/// One that keeps watch for somebody else may not: those inside would not answer it, and if it were dropped
/// together with them it would have no waker left to tell that one with.
#[inline]
pub(crate) fn may_join(answer: Answer) -> bool {
    answer.is_none() || with_top(|top| top.owner.get() == answer.owner())
}

/// Whether nobody asks.
#[inline]
pub(crate) fn nobody_asks() -> bool {
    with_top(|top| !top.is_there())
}
