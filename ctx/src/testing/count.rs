//! Counting the checkpoints of one future.

use crate::probe::Listener;
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};

/// Counts the checkpoints that `future` passes: its output, and how many.
///
/// They count on whatever context, also on background, but not under a shield, where nothing is cancelled.
/// (On background a shield is background too, so there its checkpoints count.) Those of tasks and threads
/// that it starts do not, as they are not polled by it: a [`CancelAt`](super::CancelAt) counts them.
///
/// # Cancel safety
///
/// Dropping it drops the future inside, and nothing else.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use ctx::{Cancelled, Context, testing::count_checkpoints, with_context};
///
/// #[with_context]
/// async fn answer() -> Result<u8, Cancelled> {
///     tokio::task::yield_now().await;
///     Ok(std::future::ready(42).await)
/// }
///
/// let ctx = Context::background().with_cancel();
/// let (answer, checkpoints) = count_checkpoints(answer(&ctx)).await;
/// assert_eq!((answer.unwrap(), checkpoints), (42, 2));
/// # }
/// ```
pub fn count_checkpoints<F: IntoFuture>(future: F) -> CountCheckpoints<F::IntoFuture> {
    CountCheckpoints {
        future: future.into_future(),
        listener: Listener::new(),
        count: 0,
    }
}

pin_project! {
    /// The future of [`count_checkpoints`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future inside, and nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (output, checkpoints) = ctx::testing::count_checkpoints(async { 7 }).await;
    /// assert_eq!((output, checkpoints), (7, 0));
    /// # }
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct CountCheckpoints<F> {
        #[pin]
        future: F,
        listener: Listener,
        count: usize,
    }
}

impl<F: Future> Future for CountCheckpoints<F> {
    type Output = (F::Output, usize);

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let before = this.listener.passed_here();
        let polled = this.future.poll(cx);
        *this.count += this.listener.passed_here() - before;
        Poll::Ready((ready!(polled), *this.count))
    }
}

impl<F> fmt::Debug for CountCheckpoints<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountCheckpoints")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
