//! A context that its owner cancels at a checkpoint.

use super::{heard::Plan, place::Half};
use crate::{context::Context, probe::Listening, scope::CancelScope};
use std::{fmt, ops::Deref, panic::Location};

/// A context that its owner cancels at a checkpoint: for tests written by hand, in their own runtime.
///
/// It dereferences to [`Context`], so `&ctx` is what a function takes first. What counts as a checkpoint is
/// told at [`cancel_at_every_checkpoint`](super::cancel_at_every_checkpoint). Dropping it cancels it, if
/// nothing has before.
///
/// # Examples
///
/// ```
/// use ctx::{Cancelled, Context, testing::{CancelAt, Half}, with_context};
/// use tokio::task::yield_now;
///
/// #[with_context]
/// async fn three() -> Result<(), Cancelled> {
///     yield_now().await;
///     yield_now().await;
///     yield_now().await;
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let ctx = CancelAt::below(&Context::background());
/// ctx.cancel_at(2, Half::Pending);
/// let cancelled = three(&ctx).await.unwrap_err();
/// assert_eq!(ctx.cancelled_at(), cancelled.noticed_at());
/// assert_eq!(ctx.checkpoints(), 2);
/// # }
/// ```
#[must_use = "a context that is dropped is cancelled"]
pub struct CancelAt {
    // It goes first: the end of the scope concerns nobody.
    listening: Listening,
    scope: CancelScope,
}

impl CancelAt {
    /// A context below `parent`. Nothing cancels it yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use ctx::{Context, testing::CancelAt};
    ///
    /// let ctx = CancelAt::below(&Context::background());
    /// assert!(ctx.check().is_ok());
    /// assert_eq!(ctx.checkpoints(), 1);
    /// ```
    #[track_caller]
    pub fn below(parent: &Context) -> Self {
        let scope = parent.with_cancel();
        let listening = Listening::at(&scope, None, false);
        Self { listening, scope }
    }

    /// Cancels at the `nth` checkpoint from now: the next one is 1. It takes the place of an earlier call.
    ///
    /// Where that checkpoint is never pending, [`Half::Pending`] cancels nothing. The error names the line
    /// of this call as the canceller's.
    ///
    /// # Panics
    ///
    /// If `nth` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use ctx::{Context, testing::{CancelAt, Half}};
    ///
    /// let ctx = CancelAt::below(&Context::background());
    /// ctx.cancel_at(3, Half::Start);
    /// let looks = (1..).take_while(|_| ctx.check().is_ok());
    /// assert_eq!(looks.count(), 2);
    /// ```
    #[track_caller]
    pub fn cancel_at(&self, nth: usize, half: Half) {
        assert!(nth > 0, "the next checkpoint is number 1");
        let plan = Plan {
            only: None,
            nth,
            half,
            by: Location::caller(),
        };
        self.listening.heard(|heard| heard.replan(plan));
    }

    /// How many checkpoints were passed until now.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use ctx::{Context, testing::CancelAt};
    ///
    /// let ctx = CancelAt::below(&Context::background());
    /// ctx.run_until_cancelled(async {}).await.unwrap();
    /// assert_eq!(ctx.checkpoints(), 1);
    /// # }
    /// ```
    #[must_use]
    pub fn checkpoints(&self) -> usize {
        self.listening.heard(|heard| heard.passed.len())
    }

    /// The line of the checkpoint at which it was cancelled; `None` while it was not.
    ///
    /// # Examples
    ///
    /// ```
    /// use ctx::{Context, testing::{CancelAt, Half}};
    ///
    /// let ctx = CancelAt::below(&Context::background());
    /// ctx.cancel_at(1, Half::Start);
    /// assert!(ctx.cancelled_at().is_none());
    /// let cancelled = ctx.check().unwrap_err();
    /// assert_eq!(ctx.cancelled_at(), cancelled.noticed_at());
    /// ```
    #[must_use]
    pub fn cancelled_at(&self) -> Option<&'static Location<'static>> {
        Some(self.listening.delivered()?.at)
    }
}

impl Deref for CancelAt {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.scope
    }
}

impl AsRef<Context> for CancelAt {
    fn as_ref(&self) -> &Context {
        &self.scope
    }
}

impl fmt::Debug for CancelAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.scope.fmt(f)
    }
}
