//! Who asks: the checkpoints of this thread that are polling their futures (rule C3).
//!
//! While a checkpoint polls its future it stands on this thread's stack of *frames* and so asks: does
//! anybody inside wait on my behalf? How that is answered, and what an answer obliges to, is in `answer`;
//! the frames below the latest one, and what is seldom heard, are in `stack`.
//!
//! The latest frame is in plain cells, which are read and written without a check: a call within a call
//! is to cost next to nothing. For the same reason a checkpoint that would put a frame like the one that
//! is there *joins* it instead:
//!
//! 1. It joins where line and waker are the frame's, and nothing came yet but answers. Whoever answers
//!    inside it then answers the frame's checkpoint, which waits for the same end with the same waker; so
//!    the one that joined has nothing to promise and nothing to take back.
//! 2. It was answered if more answers were given while it polled. If any were taken back meanwhile, one
//!    cannot tell whose they were: then it keeps watch itself, and leaves the decision to the next poll,
//!    as with an answer by another waker.
//! 3. A shield must find every checkpoint around it, those too that joined. `joined` counts them, and
//!    each finds the hold that was made for its number (see `stack`). It puts its own frame from then on.
//!
//! Frames hold addresses instead of references. They are compared and never followed: the owner of a
//! frame is pinned while it is polled, and so are the lines that it holds alive.

use crate::{
    answer::Answer,
    few::Few,
    hold::Hold,
    node::{Node, address},
    stack::{self, Rare, first_of_its_waker, is_above, number_poll},
    sync::thread_local,
};
use std::{cell::Cell, sync::Arc, task::Waker};
use tokio::task::Id as TaskId;

// Loom's macro takes no `const` block, which saves std's a check of whether it is initialised. There is
// nothing to drop, so there is no such check at all, and no time at which these are gone.
#[cfg(not(ctx_loom))]
thread_local! {
    static TOP: Top = const { Top::new() };
}
#[cfg(ctx_loom)]
thread_local! {
    static TOP: Top = Top::new();
}

/// What tells one waker from another: equal means that each wakes what the other does.
pub(crate) type WakerId = (usize, usize);

#[inline]
pub(crate) fn waker_id(waker: &Waker) -> WakerId {
    (
        waker.data().addr(),
        std::ptr::from_ref(waker.vtable()).addr(),
    )
}

/// One frame.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) line: usize,
    pub(crate) waker: WakerId,
    pub(crate) owner: usize,
    pub(crate) poll: u64,
    pub(crate) task: Option<TaskId>,
    /// How often it was answered in this poll, by how many that stay pending, and how many answers were
    /// taken back.
    pub(crate) said: u32,
    pub(crate) answers: u32,
    pub(crate) taken: u32,
    /// How many checkpoints have joined it and are at work.
    pub(crate) joined: u32,
    pub(crate) marks: Marks,
}

/// What there is to know about a frame, in bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks(u8);

impl Marks {
    const NONE: Marks = Marks(0);
    /// There is a frame.
    const PRESENT: Marks = Marks(1);
    /// Each frame down to the task's first one descends from the one below it. Then a line that descends
    /// from a frame answers for no frame below it that this frame's owner will not answer itself, and one
    /// answer is enough; otherwise all frames are looked at.
    const ORDERED: Marks = Marks(2);
    /// Its checkpoint is dropping its future.
    const DROPPING: Marks = Marks(4);
    /// One of those who answered has another waker.
    const FOREIGN: Marks = Marks(8);
    /// There is something in `stack` that belongs to it.
    const RARE: Marks = Marks(16);

    /// A frame of a poll in which nothing came yet but answers.
    const PLAIN: Marks = Self::PRESENT.and(Self::ORDERED);

    const fn and(self, other: Marks) -> Marks {
        Marks(self.0 | other.0)
    }

    fn without(self, other: Marks) -> Marks {
        Marks(self.0 & !other.0)
    }

    fn has(self, other: Marks) -> bool {
        self.0 & other.0 != 0
    }
}

impl Frame {
    const NONE: Frame = Frame {
        line: 0,
        waker: (0, 0),
        owner: 0,
        poll: 0,
        task: None,
        said: 0,
        answers: 0,
        taken: 0,
        joined: 0,
        marks: Marks::NONE,
    };

    pub(crate) fn is_ordered(&self) -> bool {
        self.marks.has(Marks::ORDERED)
    }

    pub(crate) fn is_dropping(&self) -> bool {
        self.marks.has(Marks::DROPPING)
    }


    pub(crate) fn mark_rare(&mut self) {
        self.marks = self.marks.and(Marks::RARE);
    }

    #[inline]
    pub(crate) fn is(&self, answer: Answer) -> bool {
        self.owner == answer.owner()
    }

    /// Takes an answer, which is `new` unless it repeats one of this poll.
    pub(crate) fn take_answer(&mut self, new: bool, foreign: bool) {
        self.said += 1;
        self.answers += u32::from(new);
        if foreign {
            self.marks = self.marks.and(Marks::FOREIGN);
        }
    }

    /// An answer that does not count any more, if it was given in this poll.
    pub(crate) fn take_back(&mut self, answer: Answer) {
        if self.poll == answer.poll {
            self.answers -= 1;
            self.taken += 1;
        }
    }
}

/// What a checkpoint learns from polling its future.
#[derive(Default)]
pub(crate) struct Heard {
    /// Whether a checkpoint inside stays pending on its behalf.
    pub(crate) answered: bool,
    /// Whether it is to keep watch all the same: one that answered has another waker, or who answered is
    /// not certain.
    pub(crate) unsure: bool,
    /// Whether it had no frame of its own: who answered inside has answered the one around it too.
    pub(crate) joined: bool,
    pub(crate) rare: Option<Box<Rare>>,
}

impl Heard {
    pub(crate) fn into_handed(self) -> Few<Waker> {
        self.rare.map_or_else(Few::new, |rare| rare.handed)
    }
}

/// The latest frame, field by field.
pub(crate) struct Top {
    line: Cell<usize>,
    waker: Cell<WakerId>,
    owner: Cell<usize>,
    poll: Cell<u64>,
    task: Cell<Option<TaskId>>,
    said: Cell<u32>,
    answers: Cell<u32>,
    taken: Cell<u32>,
    joined: Cell<u32>,
    marks: Cell<Marks>,
    /// How many frames are below.
    below: Cell<u32>,
}

impl Top {
    const fn new() -> Self {
        Self {
            line: Cell::new(0),
            waker: Cell::new((0, 0)),
            owner: Cell::new(0),
            poll: Cell::new(0),
            task: Cell::new(None),
            said: Cell::new(0),
            answers: Cell::new(0),
            taken: Cell::new(0),
            joined: Cell::new(0),
            marks: Cell::new(Marks::NONE),
            below: Cell::new(0),
        }
    }

    /// The latest frame, if there is one.
    pub(crate) fn frame(&self) -> Option<Frame> {
        self.marks.get().has(Marks::PRESENT).then(|| Frame {
            line: self.line.get(),
            waker: self.waker.get(),
            owner: self.owner.get(),
            poll: self.poll.get(),
            task: self.task.get(),
            said: self.said.get(),
            answers: self.answers.get(),
            taken: self.taken.get(),
            joined: self.joined.get(),
            marks: self.marks.get(),
        })
    }

    #[inline]
    pub(crate) fn set(&self, frame: &Frame) {
        self.line.set(frame.line);
        self.waker.set(frame.waker);
        self.owner.set(frame.owner);
        self.poll.set(frame.poll);
        self.task.set(frame.task);
        self.said.set(frame.said);
        self.answers.set(frame.answers);
        self.taken.set(frame.taken);
        self.joined.set(frame.joined);
        self.marks.set(frame.marks);
    }

    #[inline]
    fn is_like(&self, line: usize, waker: WakerId) -> bool {
        self.line.get() == line && self.waker.get() == waker && self.marks.get() == Marks::PLAIN
    }

    /// Puts a frame on top; false if there is one and nothing to put it into.
    #[inline]
    fn push(&self, frame: &Frame) -> bool {
        if self.marks.get().has(Marks::PRESENT) {
            if !stack::save(self) {
                return false;
            }
            self.below.set(self.below.get() + 1);
        }
        self.set(frame);
        true
    }

    /// Takes the latest frame off.
    #[inline]
    fn pop(&self) -> Heard {
        let marks = self.marks.get();
        let heard = Heard {
            answered: self.answers.get() > 0,
            unsure: marks.has(Marks::FOREIGN),
            joined: false,
            rare: if marks.has(Marks::RARE) {
                stack::take_rare()
            } else {
                None
            },
        };
        self.marks.set(Marks::NONE);
        if self.below.get() > 0 {
            self.below.set(self.below.get() - 1);
            stack::restore(self);
        }
        heard
    }
}

/// Looks at the latest frame.
#[inline]
pub(crate) fn with_top<R>(look: impl FnOnce(&Top) -> R) -> R {
    TOP.with(look)
}

/// How a checkpoint asks while it polls its future. It ends by `leave`, or by dropping this when the poll
/// panics.
#[must_use]
pub(crate) enum Asking {
    /// By the frame that was there, which had been answered so often, and so many taken back.
    Joined {
        said: u32,
        taken: u32,
        /// The number of the checkpoint, from one.
        number: u32,
    },
    /// By a frame of its own.
    Alone,
    /// Not at all: the thread is being torn down.
    Mute,
}

impl Asking {
    /// Asks on behalf of the checkpoint at `owner`, which polls its future with `waker`. Only one that is
    /// `plain` may join: it races, and has no hold.
    #[inline]
    pub(crate) fn poll(line: &Arc<Node>, owner: usize, waker: &Waker, plain: bool) -> Self {
        let waker = waker_id(waker);
        with_top(|top| {
            if plain && top.is_like(address(line), waker) {
                let number = top.joined.get() + 1;
                top.joined.set(number);
                return Self::Joined {
                    said: top.said.get(),
                    taken: top.taken.get(),
                    number,
                };
            }
            Self::alone(top, line, owner, waker)
        })
    }

    #[inline]
    fn alone(top: &Top, line: &Arc<Node>, owner: usize, waker: WakerId) -> Self {
        let below = top.frame();
        let (task, ordered) = match &below {
            Some(below) if below.waker == waker => (below.task, is_above(below, line)),
            below => first_of_its_waker(below.as_ref(), line),
        };
        Self::push(
            top,
            &Frame {
                line: address(line),
                waker,
                owner,
                poll: number_poll(),
                task,
                marks: if ordered { Marks::PLAIN } else { Marks::PRESENT },
                ..Frame::NONE
            },
        )
    }

    /// Stands for a checkpoint that is dropping its future.
    pub(crate) fn drop_of(owner: usize) -> Self {
        let frame = Frame {
            owner,
            marks: Marks::PRESENT.and(Marks::DROPPING),
            ..Frame::NONE
        };
        with_top(|top| Self::push(top, &frame))
    }

    #[inline]
    fn push(top: &Top, frame: &Frame) -> Self {
        if top.push(frame) {
            Self::Alone
        } else {
            Self::Mute
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

    /// Ends the asking.
    #[inline]
    pub(crate) fn leave(self) -> Heard {
        let heard = self.end();
        std::mem::forget(self);
        heard
    }

    #[inline]
    fn end(&self) -> Heard {
        match *self {
            Self::Alone => with_top(Top::pop),
            Self::Mute => Heard::default(),
            Self::Joined {
                said,
                taken,
                number,
            } => with_top(|top| {
                top.joined.set(number - 1);
                let mut heard = Heard {
                    answered: top.said.get() != said,
                    unsure: false,
                    joined: true,
                    rare: None,
                };
                let marks = top.marks.get();
                if marks != Marks::PLAIN || top.taken.get() != taken {
                    let unsure = marks.has(Marks::FOREIGN) || top.taken.get() != taken;
                    heard.unsure = heard.answered && unsure;
                    if marks.has(Marks::RARE) {
                        heard.rare = stack::take_joined(number);
                    }
                }
                heard
            }),
        }
    }
}

impl Drop for Asking {
    #[cold]
    fn drop(&mut self) {
        // The poll has panicked, so nobody else will see to these.
        self.end().into_handed().iter().for_each(crate::answer::wake);
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
