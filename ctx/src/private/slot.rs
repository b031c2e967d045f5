//! What the branches of one `select!`, `join!` or `try_join!` share.

use super::try_branch::TryBranch;
use crate::{
    checkpoint::{Checkpoint, Site},
    context::Context,
    error::Cancelled,
    keeper::{Keeper, Mode, Parts},
};
use pin_project_lite::pin_project;
use std::{
    future::Future,
    panic::Location,
    pin::Pin,
    sync::atomic::{AtomicU16, Ordering},
    task::{Context as TaskContext, Poll},
};

/// The context of the branches, and how far they are.
///
/// One task polls all branches, so the counters need no ordering. They are atomics because the future
/// around them is `Send`.
pub struct Slot<H> {
    context: H,
    at: &'static Location<'static>,
    mode: Mode,
    /// The branches of a `try_join!`: all, and those that are ready. Nobody writes more of them than fit.
    branches: AtomicU16,
    ready: AtomicU16,
    /// The branches that have given up, or would.
    giving_up: AtomicU16,
}

/// Makes the slot. `between` says that a branch which has started runs to its end.
#[track_caller]
pub fn slot<H: AsRef<Context>>(handle: H, between: bool) -> Slot<H> {
    Slot {
        context: handle,
        at: Location::caller(),
        mode: if between { Mode::Between } else { Mode::Race },
        branches: AtomicU16::new(0),
        ready: AtomicU16::new(0),
        giving_up: AtomicU16::new(0),
    }
}

impl<H: AsRef<Context>> Slot<H> {
    /// The checkpoint of one branch.
    pub fn branch<F: IntoFuture>(&self, future: F) -> Branch<'_, H, F::IntoFuture> {
        let future = future.into_future();
        Branch {
            checkpoint: Checkpoint::new(InSlot::new(self), future),
        }
    }

    /// The checkpoint of one branch that fails all the others when it fails.
    pub fn try_branch<F: IntoFuture>(&self, future: F) -> TryBranch<'_, H, F::IntoFuture> {
        self.branches.fetch_add(1, Ordering::Relaxed);
        TryBranch::new(InSlot::new(self), future.into_future())
    }

    /// The error of the branches, if any gave up. None of them may have: then they ended by themselves,
    /// whatever has become of the context since.
    pub fn stopped(&self) -> Option<Cancelled> {
        let stopped = self.giving_up.load(Ordering::Relaxed) > 0;
        stopped.then(|| Cancelled::of(Keeper::refusal(self.context.as_ref()), Some(self.at)))
    }

    /// [`stopped`](Self::stopped), where it is known that a branch gave up.
    ///
    /// # Panics
    ///
    /// If none did.
    pub fn stop(&self) -> Cancelled {
        self.stopped().expect("a branch gave up")
    }

    /// One more branch is ready; `gave_up` if it had been about to give up.
    pub(super) fn ready(&self, gave_up: bool) {
        self.ready.fetch_add(1, Ordering::Relaxed);
        if gave_up {
            self.giving_up.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// One more branch gives up, or would if the others did.
    pub(super) fn giving_up(&self) {
        self.giving_up.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether nothing is left to wait for but branches that would give up.
    pub(super) fn gives_up(&self) -> bool {
        let giving_up = self.giving_up.load(Ordering::Relaxed);
        let ready = self.ready.load(Ordering::Relaxed);
        giving_up > 0 && giving_up + ready == self.branches.load(Ordering::Relaxed)
    }
}

/// A branch borrows from the slot what it can, and so is no larger than it must be.
pub(super) struct InSlot<'s, H> {
    keeper: Keeper,
    pub(super) slot: &'s Slot<H>,
}

impl<'s, H> InSlot<'s, H> {
    fn new(slot: &'s Slot<H>) -> Self {
        Self {
            keeper: Keeper::new(slot.mode),
            slot,
        }
    }
}

impl<H: AsRef<Context>> Parts for InSlot<'_, H> {
    #[inline]
    fn parts(&mut self) -> (&Context, &mut Keeper) {
        (self.slot.context.as_ref(), &mut self.keeper)
    }
}

impl<H: AsRef<Context>> Site for InSlot<'_, H> {
    type Error = GaveUp;
    /// The slot knows.
    type Left = ();

    #[cfg(feature = "testing")]
    fn at(&self) -> &'static Location<'static> {
        self.slot.at
    }

    fn give_up(&mut self) -> ((), GaveUp) {
        self.slot.giving_up();
        ((), GaveUp)
    }

    fn again((): &()) -> GaveUp {
        panic!("a branch that gave up was polled again")
    }
}

/// A branch has given up. The slot knows why.
#[derive(Debug)]
pub struct GaveUp;

pin_project! {
    /// The future of a branch.
    #[must_use = "futures do nothing unless polled"]
    pub struct Branch<'s, H, F>
    where
        H: AsRef<Context>,
    {
        #[pin]
        checkpoint: Checkpoint<InSlot<'s, H>, F>,
    }
}

impl<H: AsRef<Context>, F: Future> Future for Branch<'_, H, F> {
    type Output = Result<F::Output, GaveUp>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.project().checkpoint.poll(cx)
    }
}
