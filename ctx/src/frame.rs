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
//! Frames hold addresses instead of references. They are compared and never followed: the lines and the task context
//! outlive the poll. Whose frame it is its name says (see `name`).

use crate::{answer::Answer, heard::Said, name::Name, node::Address};
use std::task::Waker;
use tokio::task::Id as TaskId;

/// What tells one waker from another: equal means that each wakes what the other does.
pub(crate) type WakerId = (usize, usize);

#[inline]
pub(crate) fn waker_id(waker: &Waker) -> WakerId {
    // In the order in which a waker has them, so that they are copied at once.
    (
        std::ptr::from_ref(waker.vtable()).addr(),
        waker.data().addr(),
    )
}

/// One frame.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    /// The address of the task context by which others join; zero where nobody may.
    pub(crate) joins: usize,
    /// `NO_LINE` while its checkpoint is dropping its future.
    pub(crate) line: Address,
    pub(crate) waker: WakerId,
    /// The name of its checkpoint.
    pub(crate) owner: Name,
    pub(crate) poll: u64,
    pub(crate) task: Option<TaskId>,
    pub(crate) said: Said,
    /// By how many that stay pending it was answered in this poll.
    pub(crate) answers: u32,
    /// Whether one who joined relies on these answers.
    pub(crate) relied: bool,
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
