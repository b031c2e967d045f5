//! Where the code goes straight on.
//!
//! A processor executes several instructions in a cycle, but hardly ever follows more than one jump that is taken. What is
//! ready at once is so short that its jumps decide what it costs. So what mostly happens jumps nowhere, and what does not
//! stands aside.

/// What follows is not what mostly happens. It may be common all the same, where it can afford a jump more.
#[cold]
#[inline]
pub(crate) const fn aside() {}
