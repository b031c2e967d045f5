//! What comes to a frame while its checkpoint polls its future, and what that one learns from it.

use crate::{few::Few, stack::Rare};
use std::task::Waker;

/// What came to a frame in one poll, in one word, which grows by one with each answer and by nothing else.
///
/// The low half counts the answers. The high half falls by one with each answer that is taken back, and loses a bit
/// when something else comes; after that nobody joins. So one that joined compares the word with what it was: where
/// it is greater, answers came and nothing else, and where it is the same nothing came at all. `Asking` keeps
/// words of its own where one would be that was joined: they are greater than all that a frame can have heard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said(u64);

impl Said {
    pub(crate) const NOTHING: Said = Said(Self::PLAIN | 1 << 61);
    const TAKEN: u64 = 1 << 32;
    /// Nothing came but answers, and such as were taken back.
    const PLAIN: u64 = 1 << 62;
    /// No frame's word has this bit.
    const SPARE: u64 = 1 << 63;

    /// One of the four greatest words, which is for `why`.
    pub(crate) const fn never(why: u32) -> Said {
        Said(u64::MAX - 3 + why as u64)
    }

    /// Whether it is none that `never` makes.
    #[inline]
    pub(crate) fn was_joined(self) -> bool {
        self < Self::never(0)
    }

    /// As no frame has heard it.
    #[inline]
    pub(crate) fn marked(self) -> Said {
        Said(self.0 | Self::SPARE)
    }

    /// Without that mark. What `never` makes is like nothing that a frame has heard without it, too.
    #[inline]
    pub(crate) fn unmarked(self) -> Said {
        Said(self.0 & !Self::SPARE)
    }

    #[inline]
    pub(crate) fn answered(self) -> Said {
        Said(self.0 + 1)
    }

    pub(crate) fn taken(self) -> Said {
        Said(self.0 - Self::TAKEN)
    }

    pub(crate) fn with_else(self) -> Said {
        Said(self.0 & !Self::PLAIN)
    }

    /// Whether nothing came but answers, or not even these.
    #[inline]
    pub(crate) fn is_simple(self) -> bool {
        self >= Self::NOTHING
    }

    /// Whether nothing came but answers since it was `before`, of which there is one at least.
    #[inline]
    pub(crate) fn was_only_answered_since(self, before: Said) -> bool {
        self > before
    }

    /// Whether answers came since it was `before`.
    #[inline]
    pub(crate) fn was_answered_since(self, before: Said) -> bool {
        (self.0 ^ before.0) & (Self::TAKEN - 1) != 0
    }

    /// Whether answers were taken back since it was `before`.
    pub(crate) fn were_taken_since(self, before: Said) -> bool {
        ((self.0 ^ before.0) & !Self::PLAIN) >= Self::TAKEN
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
