//! What comes to a frame while its checkpoint polls its future, and what that one learns from it.

use crate::{few::Few, name::Name, stack::Rare};
use std::task::Waker;

/// What came to a frame in one poll, in one word, which grows by one with each answer and by nothing else.
///
/// The low part counts the answers. The bit above it goes when something else comes; after that nobody joins. The
/// high part falls by one with each answer that is taken back. So one that joined compares the word with what it
/// was: where it is greater, answers came and nothing else, and where it is the same nothing came at all. `Asking`
/// keeps words of its own where one would be that was joined: they are greater than all that a frame can have heard.
///
/// A future may loop for long before its poll returns, so neither part may come to its end unnoticed, as one that
/// was hidden would be an answer that nobody gives. The answers do not fill theirs in hours. The high part is soon
/// at its end, and stays there: by then nobody joins any more (`is_worn_out`), and all that was joined is greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said(u64);

impl Said {
    pub(crate) const NOTHING: Said = Said(Self::PLAIN | 1 << 62);
    /// Nothing came but answers, and such as were taken back. Below this bit the answers are counted.
    const PLAIN: u64 = 1 << 44;
    const TAKEN: u64 = 1 << 45;
    /// No frame's word has this bit.
    const SPARE: u64 = 1 << 63;

    /// One of the five greatest words, which is for `why`.
    pub(crate) const fn never(why: u32) -> Said {
        Said(u64::MAX - 4 + why as u64)
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

    /// With one answer less, or one that is missing. The same where so many were taken that it `is_worn_out`.
    #[inline]
    pub(crate) fn taken(self) -> Said {
        if self.is_worn_out() {
            return self;
        }
        Said(self.0 - Self::TAKEN)
    }

    /// Whether no more can be taken, so that nobody may join.
    #[inline]
    pub(crate) fn is_worn_out(self) -> bool {
        self.0 < Self::TAKEN
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
        (self.0 ^ before.0) & (Self::PLAIN - 1) != 0
    }

    /// Whether answers were taken back since it was `before`.
    pub(crate) fn were_taken_since(self, before: Said) -> bool {
        (self.0 ^ before.0) >= Self::TAKEN
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

    /// Whether somebody inside may be pending who has answered this one and nobody around it, or one inside that has
    /// left him behind, so that those around it are to know when it is over.
    #[inline]
    pub(crate) fn leaves_behind(self) -> bool {
        !self.joined() && (self.answered() || self.unsure())
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
    /// The name by which a frame of its own was answered, if it was.
    pub(crate) name: Name,
    pub(crate) rare: Option<Box<Rare>>,
}

impl From<Bits> for Heard {
    fn from(bits: Bits) -> Self {
        Self {
            bits,
            ..Self::default()
        }
    }
}

impl Heard {
    pub(crate) fn into_handed(self) -> Few<Waker> {
        self.rare.map_or_else(Few::new, |rare| rare.handed)
    }
}

#[cfg(all(test, not(ctx_loom)))]
mod tests {
    use super::*;

    const NOTHING: Said = Said::NOTHING;
    /// A poll that answers so often takes hours.
    const MANY: u64 = 1 << 40;

    /// As after so many answers.
    fn answered(said: Said, times: u64) -> Said {
        Said(said.0 + times)
    }

    fn worn_out() -> Said {
        (0..1 << 20).fold(NOTHING.answered(), |said, _| said.taken())
    }

    #[test]
    fn answers_make_it_greater_and_all_else_makes_it_smaller_than_ever_before() {
        for before in [NOTHING, NOTHING.taken(), answered(NOTHING, MANY).taken()] {
            assert!(!before.was_only_answered_since(before));
            assert!(before.answered().was_only_answered_since(before));
            for other in [before.taken(), before.with_else()] {
                assert!(!other.was_only_answered_since(before));
                assert!(!answered(other, MANY).was_only_answered_since(before));
                assert!(answered(other, MANY) != before);
            }
        }
    }

    #[test]
    fn it_is_simple_where_nothing_came_but_answers() {
        for simple in [NOTHING, NOTHING.answered(), answered(NOTHING, MANY)] {
            assert!(simple.is_simple());
            for other in [simple.taken(), simple.with_else()] {
                assert!(!other.is_simple());
                assert!(!answered(other, MANY).is_simple());
            }
        }
        assert!(!worn_out().is_simple());
    }

    #[test]
    fn what_came_since_is_told_apart() {
        for before in [NOTHING, NOTHING.answered().taken(), NOTHING.with_else()] {
            let (answered, taken) = (before.answered(), before.taken());
            let more = answered.taken().with_else();
            assert!(answered.was_answered_since(before) && !answered.were_taken_since(before));
            assert!(!taken.was_answered_since(before) && taken.were_taken_since(before));
            assert!(more.was_answered_since(before) && more.were_taken_since(before));
            let other = before.with_else();
            assert!(!other.was_answered_since(before) && !other.were_taken_since(before));
        }
    }

    #[test]
    fn no_frame_hears_what_was_marked_or_what_is_kept_in_place_of_a_word() {
        let heard = [NOTHING, answered(NOTHING, MANY), worn_out()];
        for said in heard.map(|said| [said, said.with_else()]).concat() {
            assert!(said.was_joined() && said.marked().was_joined());
            assert!(said.marked().unmarked() == said && said.unmarked() == said);
            for after in heard {
                assert!(after < said.marked());
            }
            for kept in (0..5).map(Said::never) {
                assert!(!kept.was_joined() && said.marked() < kept);
                assert!(kept.unmarked() != said && kept.unmarked() != said.marked());
            }
        }
        assert!((0..4).all(|why| Said::never(why) < Said::never(why + 1)));
    }

    #[test]
    fn c8_more_answers_than_a_word_of_32_bits_can_count_hide_none_that_was_taken_back() {
        let said = answered(NOTHING.taken(), 1 << 32);
        assert!(!said.is_simple() && !said.was_only_answered_since(NOTHING));
        assert!(said != NOTHING && said.were_taken_since(NOTHING));
    }

    #[test]
    fn c8_however_many_are_taken_back_none_that_joined_takes_that_for_an_answer() {
        let joined = [NOTHING, NOTHING.taken(), NOTHING.taken().answered()];
        let end = worn_out();
        assert!(end.is_worn_out() && !joined.iter().any(|said| said.is_worn_out()));
        let last = (0..1 << 20)
            .scan(NOTHING, |said, _| {
                Some(std::mem::replace(said, said.taken()))
            })
            .filter(|said| !said.is_worn_out())
            .last();
        for before in joined.into_iter().chain(last) {
            for said in [end, end.taken(), answered(end, MANY), end.with_else()] {
                assert!(!said.was_only_answered_since(before) && said != before);
                assert!(said.were_taken_since(before));
            }
        }
    }
}
