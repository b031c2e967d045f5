//! The vocabulary of a scope's state word, and the record that it announces.
//!
//! ```text
//!   bit       set by                                    never cleared
//!   ENDED     `publish`, under the scope's own lock
//!   LINKING   `start_linking`, before any parent's list may hold the scope
//!   LINKED    `finish_linking`, once every parent's list has held it
//! ```
//!
//! 1. ENDED is set after the record is written, so whoever sees the bit finds the record (rule T3).
//! 2. ENDED and LINKING are read-modify-writes of one word, so of a scope that ends and a scope that
//!    registers, one always sees the other: either the linker sees ENDED and stays out of the lists, or
//!    the ender sees LINKING and takes the scope out of them. Both seeing each other is harmless.
//! 3. A word with LINKED and without ENDED says "live" for good reason only where no deadline is set:
//!    time writes no words.

use crate::{
    error::Cancelled,
    sync::{AtomicU8, Once, Ordering},
};
use tokio::time::Instant;

const ENDED: u8 = 1;
const LINKING: u8 = 2;
const LINKED: u8 = 4;

/// How and when a scope ended.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) cancelled: Cancelled,
    /// When it happened: the instant of the call, or the deadline itself, however late it was noticed.
    pub(crate) when: Instant,
}

#[derive(Clone, Copy)]
pub(crate) struct Word(u8);

impl Word {
    #[inline]
    pub(crate) fn ended(self) -> bool {
        self.0 & ENDED != 0
    }

    /// Whether some parent's list may hold this scope, or may be about to.
    #[inline]
    pub(crate) fn linking(self) -> bool {
        self.0 & LINKING != 0
    }

    #[inline]
    pub(crate) fn linked(self) -> bool {
        self.0 & LINKED != 0
    }
}

pub(crate) struct State {
    word: AtomicU8,
    record: Once<Record>,
}

impl State {
    /// A live scope. One without parents has nothing to link, so it counts as linked from the start.
    pub(crate) fn live(has_parents: bool) -> Self {
        let word = if has_parents { 0 } else { LINKED };
        Self {
            word: AtomicU8::new(word),
            record: Once::new(),
        }
    }

    #[inline]
    pub(crate) fn load(&self) -> Word {
        // Acquire: partner of the release in `publish`, so that the record is there for who sees ENDED.
        Word(self.word.load(Ordering::Acquire))
    }

    /// Ends the scope. The caller holds the scope's lock and has seen that it was live, or has just made
    /// the scope, so the record is written once.
    pub(crate) fn publish(&self, record: Record) {
        let fresh = self.record.set(record);
        debug_assert!(fresh, "a scope ends once");
        // Release: partner of every acquire here, `load` first of all.
        self.word.fetch_or(ENDED, Ordering::Release);
    }

    pub(crate) fn start_linking(&self) -> Word {
        // Acquire: partner of the release in `publish`; invariant 2 rests on this being one
        // read-modify-write of the same word.
        Word(self.word.fetch_or(LINKING, Ordering::Acquire))
    }

    pub(crate) fn finish_linking(&self) {
        // Release: partner of the acquire in `load`. Whoever sees LINKED may rely on the parents' walk,
        // and the parents' locks already order the lists themselves.
        self.word.fetch_or(LINKED, Ordering::Release);
    }

    /// The record, if the scope has ended.
    pub(crate) fn record(&self) -> Option<Record> {
        if !self.load().ended() {
            return None;
        }
        self.record.read(Record::clone)
    }
}
