//! What the benchmarks await, and how they poll.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

/// Pending as many times as it is told, each time waking its task at once, then ready.
///
/// It is polled by hand, so no row pays for a scheduler.
pub(crate) struct Leaf(pub(crate) u32);

impl Future for Leaf {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.checked_sub(1) {
            Some(rest) => {
                self.0 = rest;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
    fn wake_by_ref(self: &Arc<Self>) {}
}

/// A waker that is counted like a task's, so that cloning and dropping it costs what it does in real life.
pub(crate) fn waker() -> Waker {
    Waker::from(Arc::new(Nobody))
}

/// Polls until it is ready.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "a future that is handed over is copied in greater pieces than it was just written in, and a processor \
              waits for that longer than some rows take"
)]
pub(crate) fn finish<F: Future>(future: F, waker: &Waker) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}
