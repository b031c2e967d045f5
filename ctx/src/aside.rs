//! Where the code goes straight on.
//!
//! A processor executes many instructions in one cycle, but follows one jump that is taken, or two. A checkpoint that is
//! ready at once is so short that its time goes by the jumps, far more than by the instructions: by about a quarter of a
//! nanosecond for each. So what mostly happens is to have none, and what does not stands aside.

/// What follows is not what mostly happens. It may be common all the same, where it can afford a jump more.
#[cold]
#[inline]
pub(crate) const fn aside() {}
