//! How a checkpoint asks by the frames of its thread, and what it hears; and the answers that are simple.
//!
//! 1. Between `join` or `alone` and `leave` the stack below is as it was: what is put on top meanwhile is
//!    taken off again, by who put it there, or by its `Unwinding` where a poll panics.
//! 2. One that joined leaves nothing behind that had to be taken off.

use crate::{
    answer::Answer,
    few::Few,
    frame::{Marks, Top, WakerId, waker_id, with_top},
    hold::Hold,
    node::{Node, address},
    stack::{self, Rare},
};
use std::{sync::Arc, task::Waker};

/// What a checkpoint learns from polling its future. It fits into two registers.
#[derive(Default)]
pub(crate) struct Heard {
    bits: u8,
    pub(crate) rare: Option<Box<Rare>>,
}

impl Heard {
    const ANSWERED: u8 = 1;
    const UNSURE: u8 = 2;
    const JOINED: u8 = 4;
    const RELIED: u8 = 8;

    /// What one that joined has heard.
    #[inline]
    pub(crate) fn joining(answered: bool, unsure: bool) -> Self {
        Self {
            bits: u8::from(answered) | u8::from(unsure) << 1 | Self::JOINED,
            rare: None,
        }
    }

    /// What one that had its own frame has heard.
    #[inline]
    pub(crate) fn alone(answered: bool, unsure: bool, relied: bool) -> Self {
        Self {
            bits: u8::from(answered) | u8::from(unsure) << 1 | u8::from(relied) << 3,
            rare: None,
        }
    }

    /// Whether a checkpoint inside stays pending on its behalf.
    #[inline]
    pub(crate) fn answered(&self) -> bool {
        self.bits & Self::ANSWERED != 0
    }

    /// Whether it is to keep watch all the same: one that answered has another waker, or who answered is
    /// not certain.
    #[inline]
    pub(crate) fn unsure(&self) -> bool {
        self.bits & Self::UNSURE != 0
    }

    /// Whether it had no frame of its own: who answered inside has answered the one around it too.
    #[inline]
    pub(crate) fn joined(&self) -> bool {
        self.bits & Self::JOINED != 0
    }

    /// Whether the answers to it are relied upon by others, who had no frame of their own.
    #[inline]
    pub(crate) fn relied(&self) -> bool {
        self.bits & Self::RELIED != 0
    }

    pub(crate) fn into_handed(self) -> Few<Waker> {
        self.rare.map_or_else(Few::new, |rare| rare.handed)
    }
}

/// How a checkpoint asks while it polls its future. It ends by `leave`.
#[must_use]
#[derive(Clone, Copy)]
pub(crate) struct Asking {
    by: By,
    /// How often the frame that it joined had been answered, and how many answers been taken back.
    said: u32,
    taken: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// By the frame that was there.
    Joined,
    /// By a frame of its own.
    Alone,
    /// Not at all: the thread is being torn down.
    Mute,
}

impl Asking {
    /// Asks by the frame that is there, if it is like the one that this checkpoint would put.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "of a call within a call this is all there is"
    )]
    pub(crate) fn join(line: usize, waker: &Waker) -> Option<Self> {
        with_top(|top| {
            top.is_like(line, waker_id(waker)).then(|| Self {
                by: By::Joined,
                said: top.said.get(),
                taken: top.taken.get(),
            })
        })
    }

    /// Asks on behalf of the checkpoint at `owner`, which polls its future with `waker`.
    #[inline]
    pub(crate) fn alone(line: &Arc<Node>, owner: usize, waker: &Waker) -> Self {
        let waker = waker_id(waker);
        Self::pushed(with_top(|top| {
            if top.marks.get().has(Marks::PRESENT) {
                return Self::above(top, line, owner, waker);
            }
            top.begin(address(line), owner, waker);
            top.task.set(tokio::task::try_id());
            top.marks.set(Marks::PLAIN);
            true
        }))
    }

    /// The same where there is a frame; false if there is no stack to put that one into.
    #[inline(never)]
    fn above(top: &Top, line: &Arc<Node>, owner: usize, waker: WakerId) -> bool {
        let (task, ordered) = stack::continues(top, line, waker);
        if !top.cover() {
            return false;
        }
        top.begin(address(line), owner, waker);
        top.task.set(task);
        top.marks.set(if ordered {
            Marks::PLAIN
        } else {
            Marks::PRESENT
        });
        true
    }

    /// Stands for a checkpoint that is dropping its future.
    pub(crate) fn drop_of(owner: usize) -> Self {
        Self::pushed(with_top(|top| {
            if top.marks.get().has(Marks::PRESENT) && !top.cover() {
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
        Self::pushed(false)
    }

    #[inline]
    fn pushed(pushed: bool) -> Self {
        Self {
            by: if pushed { By::Alone } else { By::Mute },
            said: 0,
            taken: 0,
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
    pub(crate) fn guard(self) -> Unwinding {
        Unwinding(self)
    }

    /// Whether it joined a frame, and nothing came but answers, or not even these. Then one that was
    /// answered relies on that.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "of a call within a call this is all there is"
    )]
    pub(crate) fn joined_and_only(self, answered: bool) -> bool {
        self.by == By::Joined
            && with_top(|top| {
                let only = (top.said.get() != self.said) == answered
                    && top.taken.get() == self.taken
                    && top.marks.get() == Marks::PLAIN;
                if answered && only {
                    top.rely();
                }
                only
            })
    }

    /// Ends the asking.
    #[inline]
    pub(crate) fn leave(self) -> Heard {
        with_top(|top| match self.by {
            By::Alone => top.pop(),
            By::Mute => Heard::default(),
            By::Joined => {
                top.heard_by_joined(top.said.get() != self.said, top.taken.get() != self.taken)
            }
        })
    }
}

/// Ends the asking of a poll that panics.
pub(crate) struct Unwinding(Asking);

impl Unwinding {
    /// The poll has not panicked.
    #[inline]
    pub(crate) fn disarm(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unwinding {
    #[cold]
    fn drop(&mut self) {
        // Nobody else will see to these.
        let handed = self.0.leave().into_handed();
        handed.iter().for_each(crate::answer::wake);
    }
}

/// Answers the latest frame, if it is as simple as it mostly is: on the same line, with the same waker, and
/// the one that was answered before. True if it was, or if nobody asks.
#[inline]
pub(crate) fn answer_top(answer: &mut Answer, line: usize, waker: WakerId) -> bool {
    with_top(|top| {
        let marks = top.marks.get();
        if !marks.has(Marks::PRESENT) {
            return true;
        }
        let simple = top.line.get() == line
            && top.waker.get() == waker
            && marks.has(Marks::ORDERED)
            && !marks.has(Marks::DROPPING)
            && (answer.is_none() || top.owner.get() == answer.owner());
        if simple {
            let poll = top.poll.get();
            top.said.set(top.said.get() + 1);
            if answer.poll != poll {
                top.answers.set(top.answers.get() + 1);
            }
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
        if !top.marks.get().has(Marks::PRESENT) || top.owner.get() != answer.owner() {
            return answer.is_none();
        }
        if top.poll.get() == answer.poll {
            top.answers.set(top.answers.get() - 1);
            top.taken.set(top.taken.get() + 1);
        }
        true
    })
}

/// Whether nobody asks.
#[inline]
pub(crate) fn nobody_asks() -> bool {
    with_top(|top| !top.marks.get().has(Marks::PRESENT))
}
