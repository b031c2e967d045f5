//! A branch of `try_join!`, which stops at the first error.
//!
//! If a branch gave up alone, `try_join!` would drop the others with it, shielded ones too. So a branch
//! that would give up says so to its slot, and stays: its future is polled on, and may still be ready
//! (rule C2). The branches give up together, once each is ready or would give up.
//!
//! This holds for what a branch's own checkpoint would do. An error that a branch returns is its author's
//! result, and fails the others at once, as `try_join!` has it: also where the branch is an annotated
//! function that noticed the end of the context first, and also if another branch is under a shield.

use super::slot::InSlot;
#[cfg(feature = "testing")]
use crate::checkpoint::Site;
use crate::{
    asking::Asking,
    context::Context,
    few::Few,
    keeper::{Parts, Start},
};
use pin_project_lite::pin_project;
use std::{
    future::Future,
    pin::Pin,
    task::{Context as TaskContext, Poll, Waker, ready},
};

/// Why a `try_join!` has failed.
#[derive(Debug)]
pub enum Stop<E> {
    /// A branch failed.
    Theirs(E),
    /// The branches gave up.
    Ours,
}

pin_project! {
    /// The future of a branch.
    #[must_use = "futures do nothing unless polled"]
    pub struct TryBranch<'s, H, F>
    where
        H: AsRef<Context>,
    {
        // `None` if it was never started. It is dropped before the keeper that stands for it.
        #[pin]
        future: Option<F>,
        would_give_up: bool,
        site: InSlot<'s, H>,
    }

    impl<'s, H, F> PinnedDrop for TryBranch<'s, H, F>
    where
        H: AsRef<Context>,
    {
        fn drop(this: Pin<&mut Self>) {
            let (context, keeper) = this.project().site.parts();
            keeper.goes(context);
        }
    }
}

impl<'s, H: AsRef<Context>, F> TryBranch<'s, H, F> {
    pub(super) fn new(site: InSlot<'s, H>, future: F) -> Self {
        Self {
            site,
            would_give_up: false,
            future: Some(future),
        }
    }

    /// Polls the future; `None` if the branch would give up. What it answers then concerns nobody: a
    /// branch that this one waits for answers, or holds, those around both.
    fn poll_future(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<F::Output>>
    where
        F: Future,
    {
        let mut this = self.project();
        #[cfg(feature = "testing")]
        this.site.tell();
        let slot = this.site.slot;
        let (context, keeper) = this.site.parts();
        if !keeper.has_started() {
            match keeper.start(context, cx) {
                Start::Goes => {}
                Start::Waits => return Poll::Pending,
                Start::Refused => {
                    this.future.set(None);
                    *this.would_give_up = true;
                    slot.giving_up();
                }
            }
        }
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let asking = keeper.ask(context, cx);
        let guard = asking.guard(this.site);
        let polled = future.poll(cx);
        guard.disarm();
        if let Poll::Ready(output) = polled {
            let (context, keeper) = this.site.parts();
            let heard = keeper.leaves(asking);
            keeper.deliver_heard(heard, context, cx.waker());
            return Poll::Ready(Some(output));
        }
        if !this.site.would_give_up(asking, cx) {
            return Poll::Pending;
        }
        if !std::mem::replace(this.would_give_up, true) {
            slot.giving_up();
        }
        Poll::Ready(None)
    }
}

impl<H: AsRef<Context>> InSlot<'_, H> {
    /// Ends the asking of a branch that stayed pending: whether it would give up.
    fn would_give_up(&mut self, asking: Asking, cx: &mut TaskContext<'_>) -> bool {
        let (context, keeper) = self.parts();
        let heard = keeper.leaves(asking);
        #[cfg(feature = "testing")]
        crate::probe::pends(keeper, heard.bits.answered());
        let mut wakers = Few::new();
        // Without a line there is nothing that could end.
        let Some(line) = context.line() else {
            return false;
        };
        let ends = keeper.decide(line, heard, &mut wakers, cx);
        if ends {
            wakers.iter().for_each(Waker::wake_by_ref);
        }
        ends
    }
}

impl<H, F, T, E> Future for TryBranch<'_, H, F>
where
    H: AsRef<Context>,
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, Stop<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let value = match ready!(self.as_mut().poll_future(cx)) {
            Some(Err(error)) => return Poll::Ready(Err(Stop::Theirs(error))),
            Some(Ok(value)) => {
                self.site.slot.ready(self.would_give_up);
                Some(value)
            }
            None => None,
        };
        match value {
            _ if self.site.slot.gives_up() => Poll::Ready(Err(Stop::Ours)),
            Some(value) => Poll::Ready(Ok(value)),
            None => Poll::Pending,
        }
    }
}
