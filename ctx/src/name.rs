//! What tells one checkpoint from another once it was answered, and the word in which a checkpoint keeps that.
//!
//! 1. A name is made of the number of the poll in which its checkpoint was answered first (see `top`). So no two are the
//!    same, and none is used again: an answer may be kept for longer than its asker lives.
//! 2. A checkpoint joins frames by its line, or has a name, or neither. One that was answered joins nobody any more, as it
//!    could not be found there by who has answered it.
//! 3. One that has the first bit clear owes nobody anything: it joins by its line, or did when it was ready, or has zero,
//!    which is no line, since it has not asked. (One that the budget stopped before it asked may have answered, where its
//!    function's state kept a waker; but its task has been woken, and polls all that were answered.)
//!
//! ```text
//!   bit 0   clear: all of it is the address of a line, which is a multiple of four, or zero
//!   bit 1   set: there is a name
//!   bit 2   set in no name, so that an answer may have a mark there
//! ```

use crate::node::Address;

const ASIDE: u64 = 1;
const NAMED: u64 = 2;

/// The name of a checkpoint, if it has one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name(u64);

impl Default for Name {
    fn default() -> Self {
        Self::NONE
    }
}

impl Name {
    pub(crate) const NONE: Name = Name(ASIDE);

    /// That of one that is answered first in the poll of this number.
    #[inline]
    pub(crate) fn of(poll: u64) -> Self {
        Self(poll << 3 | NAMED | ASIDE)
    }

    #[inline]
    pub(crate) fn is_some(self) -> bool {
        self.0 & NAMED != 0
    }

    /// The name, and a bit that no name has.
    #[inline]
    pub(crate) fn marked(self, mark: bool) -> u64 {
        self.0 | u64::from(mark) << 2
    }

    /// The name of what `marked` made.
    #[inline]
    pub(crate) fn unmarked(word: u64) -> Self {
        Self(word & !(1 << 2))
    }
}

/// By which line a checkpoint joins in the simplest way, or its name, or neither.
#[derive(Clone, Copy)]
pub(crate) struct Joins(u64);

impl Joins {
    /// Of one that has asked, and cannot join in that way.
    pub(crate) const NOBODY: Joins = Joins(ASIDE);
    /// Of one that has not asked yet, or is over and has left nothing.
    pub(crate) const NOTHING: Joins = Joins(0);

    #[inline]
    pub(crate) fn those_on(line: Address) -> Self {
        Self(line.get() as u64)
    }

    /// What compares with the address of a line. It is like none where there is none.
    #[inline]
    pub(crate) fn line(self) -> u64 {
        self.0
    }

    #[inline]
    pub(crate) fn is_bare(self) -> bool {
        self.0 & ASIDE == 0
    }

    #[inline]
    pub(crate) fn has_name(self) -> bool {
        self.name().is_some()
    }

    // What was a line has no second bit, so there is nothing to ask.
    #[inline]
    pub(crate) fn name(self) -> Name {
        Name(self.0 | ASIDE)
    }
}

impl From<Name> for Joins {
    #[inline]
    fn from(name: Name) -> Self {
        Self(name.0)
    }
}

#[cfg(all(test, not(ctx_loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_like_another_or_like_none_and_no_mark_hides_it() {
        let names: Vec<Name> = [1, 2, 1 << 24, u64::MAX >> 3].map(Name::of).into();
        for (at, name) in names.iter().enumerate() {
            assert!(name.is_some() && *name != Name::NONE);
            assert!(names[..at].iter().all(|other| other != name));
            for mark in [false, true] {
                assert!(Name::unmarked(name.marked(mark)) == *name);
            }
            assert_ne!(name.marked(true), name.marked(false));
        }
    }

    #[test]
    fn it_joins_by_a_line_or_has_a_name_or_neither() {
        for line in [4, 1 << 20, usize::MAX - 3] {
            let joins = Joins::those_on(Address::new(line).unwrap());
            assert!(joins.is_bare() && joins.line() == line as u64);
            assert!(!joins.has_name() && !joins.name().is_some());
            for other in [Joins::NOBODY, joins.name().into(), Name::of(7).into()] {
                assert!(!other.is_bare() && other.line() != line as u64);
            }
        }
        assert!(Joins::from(Name::of(7)).name() == Name::of(7));
        assert!(Joins::NOTHING.is_bare() && !Joins::NOTHING.has_name());
        assert!(!Joins::NOBODY.has_name() && !Joins::from(Name::NONE).has_name());
    }
}
