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
//! 1. It joins where line and waker are the frame's, and nothing came yet but answers, of which not too many were
//!    taken back (see `Said`). Whoever answers
//!    inside it then answers the frame's checkpoint, which waits for the same end with the same waker; so
//!    the one that joined has nothing to promise and nothing to take back; and so one that has promised
//!    something to somebody else does not join. That the waker is the same is
//!    mostly known without a look at it: the task context is the frame's own, which the frame's checkpoint borrows
//!    until its poll ends. It does not hold for a future that writes another context over it, with a waker that is `'static`;
//!    every other future around it would be polled wrongly then, too.
//! 2. It was answered if more answers were given while it polled. If any were taken back meanwhile, or may be
//!    missing, one cannot tell whose they were: then it keeps watch itself, and leaves the decision to the next poll,
//!    as with an answer by another waker. So does the frame's own checkpoint where none is left: one that
//!    joined may have lost its own, and must be polled again to decide. That goes for one, too, that will not
//!    give up itself, as it is a `between` call or held: it waits whenever nobody answers any more, from then on.
//! 3. A shield must hold every checkpoint around it, those too that joined, which it cannot see. So it
//!    leaves itself with the frame (see `stack`), and each that joined finds it when its poll ends. When it
//!    joined nothing had been left there, so what it finds is inside it. It puts its own frame from then on.
//! 4. One that joined, was answered and promised nothing *relies* on answers that were not given to it. The
//!    frame's checkpoint knows that somebody did, since what it was given may be needed when it is over.
//!
//! Frames hold addresses instead of references. They are compared and never followed: the owner of a
//! frame is pinned while it is polled, and so are the lines that it holds alive. An answer may be kept for longer than
//! its owner lives, so with the address goes what tells owners apart that have had it (see `Keeper::owner`).

use crate::{
    answer::Answer,
    heard::{Bits, Heard, Said},
    stack,
    sync::thread_local,
};
use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering},
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
    /// The address of the task context by which others join; zero where nobody may.
    pub(crate) joins: usize,
    pub(crate) line: usize,
    pub(crate) waker: WakerId,
    pub(crate) owner: usize,
    pub(crate) poll: u64,
    pub(crate) task: Option<TaskId>,
    pub(crate) said: Said,
    /// By how many that stay pending it was answered in this poll.
    pub(crate) answers: u32,
    /// How many, who joined, rely on these answers. See `Top::rely`.
    pub(crate) relying: u64,
    pub(crate) marks: Marks,
}

/// What there is to know about a frame, in bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks(u8);

impl Marks {
    pub(crate) const NONE: Marks = Marks(0);
    /// There is a frame.
    pub(crate) const PRESENT: Marks = Marks(1);
    /// Each frame down to the task's first one descends from the one below it. Then a line that descends
    /// from a frame answers for no frame below it that this frame's owner will not answer itself, and one
    /// answer is enough; otherwise all frames are looked at.
    pub(crate) const ORDERED: Marks = Marks(2);
    /// Its checkpoint is dropping its future.
    pub(crate) const DROPPING: Marks = Marks(4);
    /// One of those who answered has another waker.
    pub(crate) const FOREIGN: Marks = Marks(8);
    /// There is something in `stack` that belongs to it.
    pub(crate) const RARE: Marks = Marks(16);
    /// It is ordered, and a shield lies between it and a frame below it. Who answers it holds that one too, as
    /// it may outlive this frame's owner.
    pub(crate) const SHIELDED: Marks = Marks(32);

    /// A frame of a poll in which nothing came yet but answers.
    pub(crate) const PLAIN: Marks = Self::PRESENT.and(Self::ORDERED);

    pub(crate) const fn and(self, other: Marks) -> Marks {
        Marks(self.0 | other.0)
    }

    pub(crate) fn without(self, other: Marks) -> Marks {
        Marks(self.0 & !other.0)
    }

    pub(crate) fn has(self, other: Marks) -> bool {
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

    /// Something came that is no answer, so nobody joins any more.
    fn mark(&mut self, mark: Marks) {
        self.marks = self.marks.and(mark);
        self.said = self.said.with_else();
        self.joins = 0;
    }

    pub(crate) fn mark_rare(&mut self) {
        self.mark(Marks::RARE);
    }

    #[inline]
    pub(crate) fn is(&self, answer: Answer) -> bool {
        self.owner == answer.owner()
    }

    /// Takes an answer, which is `new` unless it repeats one of this poll.
    pub(crate) fn take_answer(&mut self, new: bool, foreign: bool) {
        self.said = self.said.answered();
        self.answers += u32::from(new);
        if foreign {
            self.mark(Marks::FOREIGN);
        }
    }

    /// Somebody inside may be pending who has not answered here.
    pub(crate) fn misses_an_answer(&mut self) {
        self.said = self.said.taken();
        if self.said.is_worn_out() {
            self.joins = 0;
        }
    }

    /// An answer that does not count any more, if it was given in this poll.
    pub(crate) fn take_back(&mut self, answer: Answer) {
        if self.poll == answer.poll {
            self.answers -= 1;
            self.misses_an_answer();
        }
    }
}

/// The latest frame, field by field.
pub(crate) struct Top {
    pub(crate) joins: Cell<usize>,
    pub(crate) line: Cell<usize>,
    pub(crate) said: Cell<Said>,
    pub(crate) relying: Cell<u64>,
    pub(crate) marks: Cell<Marks>,
    /// How many frames are below.
    pub(crate) below: Cell<u32>,
    pub(crate) owner: Cell<usize>,
    pub(crate) poll: Cell<u64>,
    pub(crate) answers: Cell<u32>,
    pub(crate) waker: Cell<WakerId>,
    pub(crate) task: Cell<Option<TaskId>>,
    /// The numbers of this thread's polls: the latest, and the first and the last of its block.
    pub(crate) latest: Cell<u64>,
    pub(crate) first: Cell<u64>,
    pub(crate) last: Cell<u64>,
}

impl Top {
    const fn new() -> Self {
        Self {
            joins: Cell::new(0),
            line: Cell::new(0),
            said: Cell::new(Said::NOTHING),
            relying: Cell::new(0),
            marks: Cell::new(Marks::NONE),
            below: Cell::new(0),
            owner: Cell::new(0),
            poll: Cell::new(0),
            answers: Cell::new(0),
            waker: Cell::new((0, 0)),
            task: Cell::new(None),
            latest: Cell::new(0),
            first: Cell::new(0),
            last: Cell::new(0),
        }
    }

    /// The latest frame, if there is one.
    pub(crate) fn frame(&self) -> Option<Frame> {
        self.is_there().then(|| Frame {
            joins: self.joins.get(),
            line: self.line.get(),
            waker: self.waker.get(),
            owner: self.owner.get(),
            poll: self.poll.get(),
            task: self.task.get(),
            said: self.said.get(),
            answers: self.answers.get(),
            relying: self.relying.get(),
            marks: self.marks.get(),
        })
    }

    #[inline]
    pub(crate) fn set(&self, frame: &Frame) {
        self.joins.set(frame.joins);
        self.line.set(frame.line);
        self.waker.set(frame.waker);
        self.owner.set(frame.owner);
        self.poll.set(frame.poll);
        self.task.set(frame.task);
        self.said.set(frame.said);
        self.answers.set(frame.answers);
        self.relying.set(frame.relying);
        self.marks.set(frame.marks);
    }

    /// Whether there is a frame.
    #[inline]
    pub(crate) fn is_there(&self) -> bool {
        self.marks.get().has(Marks::PRESENT)
    }

    /// Whether one on `line` that is polled with this task context may join. Both are compared at once: a processor
    /// tells the levels of a chain by the branches before, and remembers only so many.
    #[inline]
    pub(crate) fn is_joined_by(&self, line: usize, cx: usize) -> bool {
        let both = |cx, line| (cx as u128) << 64 | line as u128;
        both(self.joins.get(), self.line.get()) == both(cx, line)
    }

    /// Puts the latest frame away; false if there is nothing to put it into.
    pub(crate) fn cover(&self) -> bool {
        let saved = stack::save(self);
        if saved {
            self.below.set(self.below.get() + 1);
        }
        saved
    }

    /// A frame of a new poll, which nobody joins yet.
    #[inline]
    pub(crate) fn begin(&self, line: usize, owner: usize, waker: WakerId) {
        let number = self.next_number().unwrap_or_else(|| next_block(self));
        self.begin_as(number, line, owner, waker);
    }

    /// The number of the next poll, if the thread's block has one left.
    #[inline]
    pub(crate) fn next_number(&self) -> Option<u64> {
        let latest = self.latest.get();
        (latest != self.last.get()).then_some(latest + 1)
    }

    #[inline]
    pub(crate) fn begin_as(&self, number: u64, line: usize, owner: usize, waker: WakerId) {
        self.latest.set(number);
        self.line.set(line);
        self.waker.set(waker);
        self.owner.set(owner);
        self.poll.set(number);
        self.said.set(Said::NOTHING);
        self.answers.set(0);
        self.relying.set(0);
        self.joins.set(0);
    }

    /// The rest of it for the only frame of the thread, which those with this task context join. What calls
    /// somebody else comes last, and so nothing is to be kept meanwhile.
    #[inline]
    pub(crate) fn first_of_all(&self, cx: usize) {
        self.marks.set(Marks::PLAIN);
        self.joins.set(cx);
        self.task.set(tokio::task::try_id());
    }

    /// An answer to the latest frame, which is `new` unless it repeats one of this poll.
    #[inline]
    pub(crate) fn take_answer(&self, new: bool) {
        self.said.set(self.said.get().answered());
        if new {
            self.answers.set(self.answers.get() + 1);
        }
    }

    /// An answer of this poll that does not count any more.
    #[inline]
    pub(crate) fn take_back(&self) {
        self.answers.set(self.answers.get() - 1);
        let said = self.said.get().taken();
        self.said.set(said);
        if said.is_worn_out() {
            self.joins.set(0);
        }
    }

    /// Takes the latest frame off, if it is the only one and nothing came to it.
    #[inline]
    pub(crate) fn pop_unheard(&self) -> bool {
        let unheard = self.said.get() == Said::NOTHING && self.below.get() == 0;
        if unheard {
            self.joins.set(0);
            self.marks.set(Marks::NONE);
        }
        unheard
    }

    /// Takes the latest frame off, if it is the only one and nothing came to it but answers. Of those who rely on
    /// them its own checkpoint is one if it `counted` itself.
    #[inline]
    pub(crate) fn pop_simple(&self, counted: bool) -> Option<Bits> {
        let said = self.said.get();
        let simple = said.is_simple() && self.below.get() == 0;
        simple.then(|| {
            self.joins.set(0);
            self.marks.set(Marks::NONE);
            let relied = self.relying.get() > u64::from(counted);
            Bits::alone(said != Said::NOTHING, false, relied)
        })
    }

    /// Takes the latest frame off.
    #[inline(never)]
    pub(crate) fn pop(&self) -> Heard {
        let marks = self.marks.get();
        let answered = self.answers.get() > 0;
        let taken = self.said.get().were_taken_since(Said::NOTHING);
        let unsure = marks.has(Marks::FOREIGN) || (!answered && taken);
        let mut heard = Heard::from(Bits::alone(answered, unsure, self.relying.get() > 0));
        if marks.has(Marks::RARE) {
            heard.rare = stack::take_rare();
        }
        self.joins.set(0);
        self.marks.set(Marks::NONE);
        if self.below.get() > 0 {
            self.below.set(self.below.get() - 1);
            stack::restore(self);
        }
        heard
    }

    /// One relies on the answers to the latest frame, which it joined. They are counted, so that who stays pending
    /// can count itself at once, and take that back where it finds that it does not rely: a call within a call does
    /// not branch for it then.
    #[inline]
    pub(crate) fn rely(&self) {
        self.relying.set(self.relying.get() + 1);
    }

    /// One that has counted itself does not rely on these answers. (That may be a frame which it has not joined.)
    #[inline]
    pub(crate) fn rely_not(&self) {
        self.relying.set(self.relying.get() - 1);
    }

    /// What one has heard that joined when the latest frame had heard what came `before`.
    #[inline(never)]
    pub(crate) fn heard_by_joined(&self, before: Said) -> Heard {
        let (said, marks) = (self.said.get(), self.marks.get());
        let answered = said.was_answered_since(before);
        let unsure = said.were_taken_since(before) || (answered && marks.has(Marks::FOREIGN));
        let mut heard = Heard::from(Bits::joining(answered, unsure));
        if marks.has(Marks::RARE) {
            heard.rare = stack::hold_joined();
        }
        heard
    }
}

/// Looks at the latest frame.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it adds nothing to what it is given")]
pub(crate) fn with_top<R>(look: impl FnOnce(&Top) -> R) -> R {
    // `with` is not inlined where this is.
    TOP.try_with(look)
        .expect("what is not dropped is always there")
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

/// What tells a checkpoint that is polled first now from those before it: each that asked by a frame has numbered a
/// poll since it was polled first. It is the same again after 65,536 polls, and may be on another thread.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low bits are meant")]
pub(crate) fn since() -> u16 {
    with_top(|top| top.latest.get()) as u16
}

/// The polls that this thread has numbered in its block, from the first to the latest.
pub(crate) fn numbered() -> (u64, u64) {
    with_top(|top| (top.first.get(), top.latest.get()))
}

#[cfg(all(test, not(ctx_loom)))]
mod tests {
    use super::*;

    /// Addresses of the stack and of the heap mostly differ in few bits, and no test can say in which.
    #[test]
    fn c8_a_frame_is_joined_by_none_whose_words_are_not_both_its_own() {
        let words = (0..usize::BITS).map(|bit| 1 << bit).chain([0]);
        let words: Vec<usize> = words.collect();
        let pairs = || {
            words
                .iter()
                .flat_map(|cx| words.iter().map(move |line| (*cx, *line)))
        };
        let top = Top::new();
        for (cx, line) in pairs() {
            top.joins.set(cx);
            top.line.set(line);
            let joined: Vec<_> = pairs()
                .filter(|(cx, line)| top.is_joined_by(*line, *cx))
                .collect();
            assert_eq!(joined, [(cx, line)]);
        }
    }
}
