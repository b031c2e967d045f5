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
//! 3. A shield must hold every checkpoint around it, those too that joined, which it cannot see. So it
//!    leaves itself with the frame (see `stack`), and each that joined finds it when its poll ends. When it
//!    joined nothing had been left there, so what it finds is inside it. It puts its own frame from then on.
//!
//! Frames hold addresses instead of references. They are compared and never followed: the owner of a
//! frame is pinned while it is polled, and so are the lines that it holds alive.

use crate::{
    answer::Answer,
    few::Few,
    hold::Hold,
    node::{Node, address},
    stack::{self, Rare},
    sync::thread_local,
};
use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
};
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

    #[inline]
    fn new(answered: bool, unsure: bool, joined: bool) -> Self {
        Self {
            bits: u8::from(answered) | u8::from(unsure) << 1 | u8::from(joined) << 2,
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
    marks: Cell<Marks>,
    /// How many frames are below.
    below: Cell<u32>,
    /// The numbers of this thread's polls: the latest, and the first and the last of its block.
    latest: Cell<u64>,
    first: Cell<u64>,
    last: Cell<u64>,
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
            marks: Cell::new(Marks::NONE),
            below: Cell::new(0),
            latest: Cell::new(0),
            first: Cell::new(0),
            last: Cell::new(0),
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
        self.marks.set(frame.marks);
    }

    #[inline]
    fn is_like(&self, line: usize, waker: WakerId) -> bool {
        self.marks.get() == Marks::PLAIN && self.line.get() == line && self.waker.get() == waker
    }

    /// Puts the latest frame away; false if there is nothing to put it into.
    fn cover(&self) -> bool {
        let saved = stack::save(self);
        if saved {
            self.below.set(self.below.get() + 1);
        }
        saved
    }

    /// A frame of a new poll.
    #[inline]
    fn begin(&self, line: usize, owner: usize, waker: WakerId) {
        let latest = self.latest.get();
        let poll = if latest == self.last.get() {
            next_block(self)
        } else {
            latest + 1
        };
        self.latest.set(poll);
        self.line.set(line);
        self.waker.set(waker);
        self.owner.set(owner);
        self.poll.set(poll);
        self.said.set(0);
        self.answers.set(0);
        self.taken.set(0);
    }

    /// Takes the latest frame off.
    #[inline]
    fn pop(&self) -> Heard {
        let marks = self.marks.get();
        let mut heard = Heard::new(self.answers.get() > 0, marks.has(Marks::FOREIGN), false);
        if marks.has(Marks::RARE) {
            heard.rare = stack::take_rare();
        }
        self.marks.set(Marks::NONE);
        if self.below.get() > 0 {
            self.below.set(self.below.get() - 1);
            stack::restore(self);
        }
        heard
    }

    /// What one that joined has heard.
    #[inline]
    fn heard_by_joined(&self, answered: bool, taken: bool) -> Heard {
        if !taken && self.marks.get() == Marks::PLAIN {
            return Heard::new(answered, false, true);
        }
        self.rare_heard_by_joined(answered, taken)
    }

    #[cold]
    fn rare_heard_by_joined(&self, answered: bool, taken: bool) -> Heard {
        let marks = self.marks.get();
        let unsure = answered && (taken || marks.has(Marks::FOREIGN));
        let mut heard = Heard::new(answered, unsure, true);
        if marks.has(Marks::RARE) {
            heard.rare = stack::hold_joined();
        }
        heard
    }
}

/// Looks at the latest frame.
#[inline(always)]
pub(crate) fn with_top<R>(look: impl FnOnce(&Top) -> R) -> R {
    // `with` is not inlined where this is.
    TOP.try_with(look)
        .expect("what is not dropped is always there")
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

    /// Whether it joined a frame, and nothing came but answers, or not even these.
    #[inline(always)]
    pub(crate) fn joined_and_only(self, answered: bool) -> bool {
        self.by == By::Joined
            && with_top(|top| {
                (top.said.get() != self.said) == answered
                    && top.taken.get() == self.taken
                    && top.marks.get() == Marks::PLAIN
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

/// Takes a block of numbers, so that no two polls of the process have the same.
#[cold]
fn next_block(top: &Top) -> u64 {
    const BLOCK: u64 = 1 << 32;
    static BLOCKS: AtomicU64 = AtomicU64::new(1);
    // Relaxed: only the blocks must differ, which the addition's atomicity gives.
    let first = BLOCKS.fetch_add(BLOCK, Ordering::Relaxed);
    top.first.set(first);
    top.last.set(first + BLOCK - 1);
    first
}

/// The polls that this thread has numbered in its block, from the first to the latest.
pub(crate) fn numbered() -> (u64, u64) {
    with_top(|top| (top.first.get(), top.latest.get()))
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
