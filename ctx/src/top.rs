//! The latest frame of a thread, field by field, and the numbers of the thread's polls.
//!
//! What frames are for, and who joins one, is in `frame`; those below the latest one are in `stack`. It is in plain
//! cells, which are read and written without a check, as no reference to what is in them is ever given out.

use crate::{
    aside::aside,
    frame::{Frame, Marks, WakerId},
    heard::{Bits, Heard, Said},
    name::Name,
    node::{Address, NO_LINE},
    stack,
    sync::thread_local,
};
use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering},
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

/// The latest frame, field by field.
pub(crate) struct Top {
    pub(crate) joins: Cell<usize>,
    pub(crate) line: Cell<Address>,
    pub(crate) said: Cell<Said>,
    /// Whether one who joined relies on the answers. It is written and never counted, so that no call within a call waits
    /// for what the one inside it has written.
    relied: Cell<bool>,
    pub(crate) marks: Cell<Marks>,
    /// How many frames are below.
    pub(crate) below: Cell<u32>,
    /// None where `poll` is zero, unless its checkpoint has one from an earlier poll.
    pub(crate) owner: Cell<Name>,
    poll: Cell<u64>,
    pub(crate) answers: Cell<u32>,
    pub(crate) waker: Cell<WakerId>,
    pub(crate) task: Cell<Option<TaskId>>,
    /// The latest number that a poll of this thread got.
    latest: Cell<u64>,
}

impl Top {
    const fn new() -> Self {
        Self {
            joins: Cell::new(0),
            line: Cell::new(NO_LINE),
            said: Cell::new(Said::NOTHING),
            relied: Cell::new(false),
            marks: Cell::new(Marks::NONE),
            below: Cell::new(0),
            owner: Cell::new(Name::NONE),
            poll: Cell::new(0),
            answers: Cell::new(0),
            waker: Cell::new((0, 0)),
            task: Cell::new(None),
            latest: Cell::new(BLOCK - 1),
        }
    }

    /// A copy of the latest frame, if there is one. Its poll has its number from then on. So each frame has one that others
    /// are put on, or that is looked at among others, and of two such frames the upper one has the greater number.
    pub(crate) fn frame(&self) -> Option<Frame> {
        if !self.is_there() {
            return None;
        }
        // This comes before the name, as it may give one.
        let poll = poll();
        Some(Frame {
            joins: self.joins.get(),
            line: self.line.get(),
            waker: self.waker.get(),
            owner: self.owner.get(),
            poll,
            task: self.task.get(),
            said: self.said.get(),
            answers: self.answers.get(),
            relied: self.relied.get(),
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
        self.relied.set(frame.relied);
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
    pub(crate) fn is_joined_by(&self, line: u64, cx: usize) -> bool {
        let both = |cx, line| (cx as u128) << 64 | u128::from(line);
        both(self.joins.get(), self.line.get().get() as u64) == both(cx, line)
    }

    /// Puts the latest frame away; false if there is nothing to put it into.
    pub(crate) fn cover(&self) -> bool {
        let saved = stack::save(self);
        if saved {
            self.below.set(self.below.get() + 1);
        }
        saved
    }

    /// A frame of a new poll, which has no number and which nobody joins yet.
    #[inline]
    pub(crate) fn begin(&self, line: Address, owner: Name, waker: WakerId) {
        self.line.set(line);
        self.waker.set(waker);
        self.owner.set(owner);
        self.poll.set(0);
        self.said.set(Said::NOTHING);
        self.answers.set(0);
        self.relied.set(false);
        self.joins.set(0);
    }

    /// Whether this is the number of the latest frame's poll.
    #[inline]
    pub(crate) fn is_poll(&self, number: u64) -> bool {
        self.poll.get() == number
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

    /// The only frame of the thread, of a new poll. What was heard is as it is where there is no frame: nothing.
    #[inline]
    pub(crate) fn begin_alone(&self, line: Address, owner: Name, waker: WakerId) {
        debug_assert!(self.said.get() == Said::NOTHING && self.answers.get() == 0);
        debug_assert!(!self.relied.get());
        self.line.set(line);
        self.waker.set(waker);
        self.owner.set(owner);
        self.poll.set(0);
    }

    /// Takes the only frame off, if nothing came to it. Then there was no answer, and nobody who relied on one.
    #[inline]
    pub(crate) fn pop_unheard(&self) -> bool {
        debug_assert_eq!(self.below.get(), 0);
        let unheard = self.said.get() == Said::NOTHING;
        if unheard {
            self.joins.set(0);
            self.marks.set(Marks::NONE);
        }
        unheard
    }

    /// As where there is no frame.
    #[inline]
    fn clear(&self) {
        self.joins.set(0);
        self.said.set(Said::NOTHING);
        self.answers.set(0);
        self.relied.set(false);
        self.marks.set(Marks::NONE);
    }

    /// Takes the only frame off, if nothing came to it but answers.
    #[inline]
    pub(crate) fn pop_simple(&self) -> Option<Bits> {
        debug_assert_eq!(self.below.get(), 0);
        let said = self.said.get();
        said.is_simple().then(|| {
            let heard = Bits::alone(said != Said::NOTHING, false, self.relied.get());
            self.clear();
            heard
        })
    }

    /// Takes the latest frame off.
    #[inline(never)]
    pub(crate) fn pop(&self) -> Heard {
        let marks = self.marks.get();
        let answered = self.answers.get() > 0;
        let taken = self.said.get().were_taken_since(Said::NOTHING);
        let unsure = marks.has(Marks::FOREIGN) || (!answered && taken);
        let mut heard = Heard::from(Bits::alone(answered, unsure, self.relied.get()));
        if answered {
            heard.name = self.owner.get();
        }
        if marks.has(Marks::RARE) {
            heard.rare = stack::take_rare();
        }
        self.clear();
        if self.below.get() > 0 {
            self.below.set(self.below.get() - 1);
            stack::restore(self);
        }
        heard
    }

    /// One relies on the answers to the latest frame, which it joined.
    #[inline]
    pub(crate) fn rely(&self) {
        self.relied.set(true);
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

/// So many numbers a thread takes at once: all but the first of a block, which begins with a multiple of it. There are none
/// before the first block.
const BLOCK: u64 = 1 << 24;

/// The number of the latest frame's poll. It gets it when somebody asks first, since most frames are gone before.
pub(crate) fn poll() -> u64 {
    loop {
        match poll_at_once() {
            Some(number) => return number,
            None => with_top(|top| top.latest.set(next_block())),
        }
    }
}

/// The same unless that takes a new block of numbers. A checkpoint that has no name gets one by the number.
///
/// Many small looks are inlined, and one great one is not.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it is short where it is called for")]
pub(crate) fn poll_at_once() -> Option<u64> {
    let number = with_top(|top| top.poll.get());
    if number != 0 {
        aside();
        return Some(number);
    }
    let next = with_top(|top| top.latest.get()) + 1;
    if next % BLOCK == 0 {
        aside();
        return None;
    }
    with_top(|top| top.latest.set(next));
    with_top(|top| top.poll.set(next));
    if !with_top(|top| top.owner.get()).is_some() {
        aside();
        with_top(|top| top.owner.set(Name::of(next)));
    }
    Some(next)
}

/// Takes a block of numbers, so that no two polls of the process have the same.
#[cold]
fn next_block() -> u64 {
    static BLOCKS: AtomicU64 = AtomicU64::new(BLOCK);
    // Relaxed: only the blocks must differ, which the addition's atomicity gives.
    BLOCKS.fetch_add(BLOCK, Ordering::Relaxed)
}

/// The name of the latest frame's checkpoint, which was there a moment ago.
#[inline]
pub(crate) fn name() -> Name {
    with_top(|top| top.owner.get())
}

/// The latest number that a poll of this thread got.
pub(crate) fn latest() -> u64 {
    with_top(|top| top.latest.get())
}

#[cfg(all(test, not(ctx_loom)))]
mod tests {
    use super::*;

    /// The number of a new poll of a checkpoint without a name.
    fn number() -> u64 {
        with_top(|top| top.begin(NO_LINE, Name::NONE, (0, 0)));
        let number = poll();
        assert_eq!((poll(), latest()), (number, number));
        assert!(name() == Name::of(number));
        number
    }

    #[test]
    fn c8_no_two_polls_of_the_process_have_the_same_number() {
        let of_a_thread = || {
            let first = number();
            assert_eq!(number(), first + 1);
            let last = first - first % BLOCK + (BLOCK - 1);
            with_top(|top| top.latest.set(last - 1));
            assert_eq!(number(), last);
            [first, number()]
        };
        let threads = [(); 3].map(|()| std::thread::spawn(of_a_thread));
        let mut numbers = threads.map(|it| it.join().unwrap()).concat();
        numbers.sort_unstable();
        let apart = |pair: &[u64]| pair[0] / BLOCK < pair[1] / BLOCK;
        assert!(numbers.windows(2).all(apart) && numbers[0] > BLOCK);
    }

    #[test]
    fn c8_a_checkpoint_keeps_the_name_that_it_has() {
        with_top(|top| top.begin(NO_LINE, Name::of(7), (0, 0)));
        assert!(poll() > 7 && name() == Name::of(7));
    }

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
            let Some(address) = Address::new(line) else {
                continue;
            };
            top.joins.set(cx);
            top.line.set(address);
            let joined: Vec<_> = pairs()
                .filter(|(cx, line)| top.is_joined_by(*line as u64, *cx))
                .collect();
            assert_eq!(joined, [(cx, line)]);
        }
    }
}
