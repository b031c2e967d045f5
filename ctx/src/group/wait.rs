//! Waiting for a group.

use super::members::Members;
use crate::{checkpoint::RunUntilCancelledOwned, error::Cancelled};
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    panic::Location,
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};

pin_project! {
    /// The future of [`Group::wait`](super::Group::wait).
    ///
    /// While it is pending it holds every checkpoint around it on a context that the group descends from,
    /// as a shield does: they end when it has, and never drop it.
    ///
    /// # Cancel safety
    ///
    /// It owns the group, so dropping it drops the group: tasks are cancelled and aborted. Awaiting it by
    /// reference, in a `select!` for instance, loses nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use std::{pin::pin, time::Duration};
    ///
    /// let mut group = ctx::Context::background().group::<_, ctx::Cancelled>();
    /// group.spawn(|_| async {
    ///     tokio::time::sleep(Duration::from_millis(4500)).await;
    ///     Ok(7)
    /// });
    /// let mut wait = pin!(group.wait());
    /// let mut seconds = 0;
    /// let results = loop {
    ///     tokio::select! {
    ///         results = &mut wait => break results.unwrap(),
    ///         () = tokio::time::sleep(Duration::from_secs(1)) => seconds += 1,
    ///     }
    /// };
    /// assert_eq!((results, seconds), (vec![7], 4));
    /// # }
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct Wait<T, E> {
        #[pin]
        held: RunUntilCancelledOwned<Ends<T, E>>,
        at: &'static Location<'static>,
    }
}

// The results and the failure are only ever moved, and never seen through a shared `Wait`.
impl<T, E> std::panic::UnwindSafe for Wait<T, E> {}
impl<T, E> std::panic::RefUnwindSafe for Wait<T, E> {}

impl<T, E> Wait<T, E> {
    pub(super) fn new(members: Members<T, E>, at: &'static Location<'static>) -> Self {
        // On a context that cannot end, so it is never given up by itself; below the group's own, so all
        // that the group descends from is held (rule C3).
        let shield = members.scope.without_cancel();
        let members = Some(members);
        let held = shield.run_until_cancelled_owned(Ends { members });
        Self { held, at }
    }
}

impl<T, E: fmt::Display + From<Cancelled>> Future for Wait<T, E> {
    type Output = Result<Vec<T>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        Poll::Ready(match ready!(this.held.poll(cx)) {
            Ok(members) => members.queue.team.verdict(this.at),
            Err(cancelled) => Err(cancelled.into()),
        })
    }
}

impl<T, E> fmt::Debug for Wait<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wait").field(&self.held).finish()
    }
}

/// Ready with the members when the last one has ended.
struct Ends<T, E> {
    members: Option<Members<T, E>>,
}

// The members are pinned nowhere but in their boxes.
impl<T, E> Unpin for Ends<T, E> {}

impl<T, E> Future for Ends<T, E> {
    type Output = Members<T, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Members<T, E>> {
        let members = &mut self.members;
        let waiting = members
            .as_mut()
            .expect("it is not polled once it was ready");
        ready!(waiting.poll_ended(cx));
        match members.take() {
            Some(members) => Poll::Ready(members),
            None => Poll::Pending,
        }
    }
}
