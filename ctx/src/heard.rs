//! What comes to a frame while its checkpoint polls its future, and what that one learns from it.

use crate::{few::Few, stack::Rare};
use std::task::Waker;

/// What came to a frame in one poll, in one word: how often it was answered, in the low half; how many
/// answers were taken back; and a bit for whatever else came.
///
/// One that joined compares it with what it was. Where the word is the same nothing came at all, and
/// where its high half is the same nothing came but answers. `Asking` keeps more in such a word, by bits that
/// no frame's word has while others join it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said(u64);

impl Said {
    pub(crate) const NOTHING: Said = Said(0);
    const TAKEN: u64 = 1 << 32;
    const ELSE: u64 = 1 << 63;
    /// No count of answers that were taken back comes so far.
    const SPARE: u64 = 1 << 62;

    /// What no frame has heard, as no count comes so far; `why`, which is below four, tells one such word from
    /// another. The low half is zero, so that nothing is borrowed from the high half of a word from which this
    /// is subtracted (see `was_only_answered_since`).
    pub(crate) const fn never(why: u32) -> Said {
        Said((!3 | why as u64) << 32)
    }

    /// Whether it is none that `never` makes.
    #[inline]
    pub(crate) fn was_joined(self) -> bool {
        self.0 & Self::ELSE == 0
    }

    /// As no frame has heard it.
    #[inline]
    pub(crate) fn marked(self) -> Said {
        Said(self.0 | Self::SPARE)
    }

    /// Without that mark.
    #[inline]
    pub(crate) fn unmarked(self) -> Said {
        Said(self.0 & !Self::SPARE)
    }

    #[inline]
    pub(crate) fn answered(self) -> Said {
        Said(self.0 + 1)
    }

    pub(crate) fn taken(self) -> Said {
        Said(self.0 + Self::TAKEN)
    }

    pub(crate) fn with_else(self) -> Said {
        Said(self.0 | Self::ELSE)
    }

    /// Whether nothing came but answers, or not even these.
    #[inline]
    pub(crate) fn is_simple(self) -> bool {
        self.0 < Self::TAKEN
    }

    /// Whether nothing came but answers since it was `before`, of which there is one at least.
    #[inline]
    pub(crate) fn was_only_answered_since(self, before: Said) -> bool {
        // Where it is the same this wraps round, and where the high halves differ it is not below, as the low
        // half never falls.
        self.0.wrapping_sub(before.0).wrapping_sub(1) < Self::TAKEN - 1
    }

    /// Whether answers came since it was `before`.
    #[inline]
    pub(crate) fn was_answered_since(self, before: Said) -> bool {
        (self.0 ^ before.0) & (Self::TAKEN - 1) != 0
    }

    /// Whether answers were taken back since it was `before`.
    pub(crate) fn were_taken_since(self, before: Said) -> bool {
        ((self.0 ^ before.0) & !Self::ELSE) >= Self::TAKEN
    }
}

/// What a checkpoint mostly learns, in one byte.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bits(u8);

impl Bits {
    const ANSWERED: u8 = 1;
    const UNSURE: u8 = 2;
    const JOINED: u8 = 4;
    const RELIED: u8 = 8;

    /// What one that joined has heard.
    #[inline]
    pub(crate) fn joining(answered: bool, unsure: bool) -> Self {
        Self(u8::from(answered) | u8::from(unsure) << 1 | Self::JOINED)
    }

    /// What one that had its own frame has heard.
    #[inline]
    pub(crate) fn alone(answered: bool, unsure: bool, relied: bool) -> Self {
        Self(u8::from(answered) | u8::from(unsure) << 1 | u8::from(relied) << 3)
    }

    /// Whether a checkpoint inside stays pending on its behalf.
    #[inline]
    pub(crate) fn answered(self) -> bool {
        self.0 & Self::ANSWERED != 0
    }

    /// Whether it is to keep watch all the same: one that answered has another waker, or who answered is
    /// not certain.
    #[inline]
    pub(crate) fn unsure(self) -> bool {
        self.0 & Self::UNSURE != 0
    }

    /// Whether it had no frame of its own: who answered inside has answered the one around it too.
    #[inline]
    pub(crate) fn joined(self) -> bool {
        self.0 & Self::JOINED != 0
    }

    /// Whether the answers to it are relied upon by others, who had no frame of their own.
    #[inline]
    pub(crate) fn relied(self) -> bool {
        self.0 & Self::RELIED != 0
    }
}

/// Since when others have relied on a checkpoint.
#[derive(Clone, Copy)]
pub(crate) struct Relied(u8);

impl Relied {
    pub(crate) const NEVER: Self = Self(0);
    const EVER: u8 = 1;
    /// In the await that there is.
    pub(crate) const HERE: Self = Self(Self::EVER | 2);

    #[inline]
    pub(crate) fn forget_await(&mut self) {
        self.0 &= Self::EVER;
    }

    #[inline]
    pub(crate) fn ever(self) -> bool {
        self.0 != 0
    }

    #[inline]
    pub(crate) fn here(self) -> bool {
        self.0 & !Self::EVER != 0
    }
}

/// All of it.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) bits: Bits,
    pub(crate) rare: Option<Box<Rare>>,
}

impl From<Bits> for Heard {
    fn from(bits: Bits) -> Self {
        Self { bits, rare: None }
    }
}

impl Heard {
    pub(crate) fn into_handed(self) -> Few<Waker> {
        self.rare.map_or_else(Few::new, |rare| rare.handed)
    }
}
