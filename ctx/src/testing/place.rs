//! Where a cancellation is delivered: a checkpoint, and which half of it.

use std::{fmt, panic::Location};

/// A half of a checkpoint: the two moments at which it looks at its context.
///
/// # Examples
///
/// ```
/// use ctx::testing::{Half, cancel_at_every_checkpoint};
///
/// let sweep = cancel_at_every_checkpoint(|ctx| async move {
///     let sleep = tokio::time::sleep(std::time::Duration::from_secs(1));
///     ctx.run_until_cancelled(sleep).await.is_ok()
/// });
/// let halves: Vec<_> = sweep.iter().map(|run| run.half()).collect();
/// assert_eq!(halves, [None, Some(Half::Start), Some(Half::Pending)]);
/// ```
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Half {
    /// Before its future starts: on a context that has ended it is not polled at all.
    Start,
    /// When its future has been polled and is pending: it is dropped there.
    Pending,
}

/// A half of a checkpoint that was passed.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) at: &'static Location<'static>,
    /// How often its line had been passed then, this time included.
    pub(crate) time: usize,
    pub(crate) half: Half,
}

/// `src/bank.rs:40:31 (time 2), while pending`: what editors find comes first.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.at)?;
        if self.time > 1 {
            write!(f, " (time {})", self.time)?;
        }
        f.write_str(match self.half {
            Half::Start => ", at its start",
            Half::Pending => ", while pending",
        })
    }
}
