//! The vocabulary of a node's state word.
//!
//! ```text
//!   bit       set by                                              never taken back
//!   ENDED     `publish`
//!   UP        `publish`, with ENDED: the end is that of the scope above
//!   OTHER     `publish`, with ENDED: the end is that of a merge's other side
//!   UNLINKED  at birth, if it has parents; cleared by `link`, once every parent's list has held it
//!   LISTED    `link`, as it clears UNLINKED: whoever ends the scope takes it out of the lists
//!   DEADLINE  at birth: the scope ends by itself
//!   ASIDE     at birth: the node is no line, and another one speaks for it
//!   ABOVE     at birth, with ASIDE: the node right above holds that line
//! ```
//!
//! 1. ENDED is set after the end is written, or with UP or OTHER after the parent on that side got its
//!    ENDED. So whoever sees the bit finds the end: in the node, or in the first node on the way that these
//!    bits show where there is one (rule T3).
//! 2. Every bit is written under the scope's lock, so by a load and a store. So of a scope that ends and a
//!    scope that registers the later one sees the earlier: either the linker sees ENDED and takes the scope
//!    out of the lists again, or the ender sees LISTED and takes it out of them.
//! 3. A word with neither UNLINKED nor ENDED says "live" for good reason only where no deadline is set:
//!    time writes no words.
//! 4. A word says "live" by what it has not, so that a look at it is one test.

use crate::{
    node::Side,
    sync::{AtomicU8, Ordering},
};

const ENDED: u8 = 1;
const LISTED: u8 = 2;
const UNLINKED: u8 = 4;
const UP: u8 = 8;
const OTHER: u8 = 16;
const DEADLINE: u8 = 32;
const ASIDE: u8 = 64;
const ABOVE: u8 = 128;

/// Without any of these a word says "live".
const UNQUIET: u8 = ENDED | UNLINKED | DEADLINE | ASIDE;

/// What a word said when it was looked at.
#[derive(Clone, Copy)]
pub(crate) struct Word(u8);

impl Word {
    /// Whether this alone says that the context is live: it will be told of its end, and time cannot end it.
    #[inline]
    pub(crate) fn is_quiet(self) -> bool {
        self.0 & UNQUIET == 0
    }

    /// Whether a word that does not say so itself is live if the parent is: nobody will tell it of the parent's end,
    /// and time cannot end it.
    #[inline]
    pub(crate) fn is_alone(self) -> bool {
        self.0 & (UNQUIET & !UNLINKED) == 0
    }

    #[inline]
    pub(crate) fn ended(self) -> bool {
        self.0 & ENDED != 0
    }

    /// The parent whose end is the end of this scope.
    pub(crate) fn inherited(self) -> Option<Side> {
        if self.0 & UP != 0 {
            Some(Side::Up)
        } else if self.0 & OTHER != 0 {
            Some(Side::Other)
        } else {
            None
        }
    }

    /// Whether some parent's list may hold this scope, and no linker will see to that.
    #[inline]
    pub(crate) fn listed(self) -> bool {
        self.0 & LISTED != 0
    }

    #[inline]
    pub(crate) fn linked(self) -> bool {
        self.0 & UNLINKED == 0
    }

    #[inline]
    pub(crate) fn has_deadline(self) -> bool {
        self.0 & DEADLINE != 0
    }

    /// Whether another node speaks for this one: its line.
    #[inline]
    pub(crate) fn is_aside(self) -> bool {
        self.0 & ASIDE != 0
    }

    /// Whether the node right above holds that line.
    #[inline]
    pub(crate) fn has_line_above(self) -> bool {
        self.0 & ABOVE != 0
    }
}

fn bit_of(side: Side) -> u8 {
    match side {
        Side::Up => UP,
        Side::Other => OTHER,
    }
}

pub(crate) struct State(AtomicU8);

impl State {
    /// A node that is no line.
    #[inline]
    pub(crate) fn aside() -> Self {
        Self(AtomicU8::new(ASIDE))
    }

    /// The same below one that holds its line.
    #[inline]
    pub(crate) fn aside_below_holder() -> Self {
        Self(AtomicU8::new(ASIDE | ABOVE))
    }

    /// A line that never ends.
    #[inline]
    pub(crate) fn shield() -> Self {
        Self(AtomicU8::new(0))
    }

    /// A new scope. One without parents has nothing to link, so it counts as linked from the start; one
    /// whose parent on a side has ended may be born ended by that.
    #[inline]
    pub(crate) fn scope(has_parents: bool, has_deadline: bool, ended_by: Option<Side>) -> Self {
        let unlinked = if has_parents { UNLINKED } else { 0 };
        let deadline = if has_deadline { DEADLINE } else { 0 };
        let ended = ended_by.map_or(0, |side| ENDED | bit_of(side));
        Self(AtomicU8::new(unlinked | deadline | ended))
    }

    #[inline]
    pub(crate) fn load(&self) -> Word {
        // Acquire: partner of the release in `publish`, so that the end is there for who sees ENDED.
        Word(self.0.load(Ordering::Acquire))
    }

    /// Announces the end of the scope: what was written into it, or that of the parent on one side. The
    /// caller holds the scope's lock and has seen that it was live.
    #[inline]
    pub(crate) fn publish(&self, inherited: Option<Side>) {
        self.write(|word| word | ENDED | inherited.map_or(0, bit_of));
    }

    /// The parents' lists have held the scope. The caller holds its lock and has seen that it was live.
    /// Whoever sees that it is linked may rely on the parents' walk.
    #[inline]
    pub(crate) fn link(&self) {
        self.write(|word| (word & !UNLINKED) | LISTED);
    }

    #[inline]
    fn write(&self, change: impl FnOnce(u8) -> u8) {
        // Relaxed: the lock shows what others have written (invariant 2). Release: partner of the acquire in
        // `load`.
        let word = self.0.load(Ordering::Relaxed);
        self.0.store(change(word), Ordering::Release);
    }
}
