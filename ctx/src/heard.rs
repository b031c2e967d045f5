//! What a checkpoint learns from polling its future.

use crate::{few::Few, stack::Rare};
use std::task::Waker;

/// What it mostly comes to, in one byte.
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
