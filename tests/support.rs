//! What the tests share: a waker that counts, polling by hand, and a thread with a small stack.

use ctx::Context;
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context as TaskContext, Poll, Wake, Waker},
    thread,
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};

pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// Counts how often it was woken. Each one is a task of its own to whoever compares wakers.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls once, as a task that is woken through `wakes`.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F, wakes: &Arc<Wakes>) -> Poll<F::Output> {
    poll_pinned(Pin::new(future), wakes)
}

/// The same for a future that is pinned already, such as by `std::pin::pin!`.
pub(crate) fn poll_pinned<F: Future + ?Sized>(
    future: Pin<&mut F>,
    wakes: &Arc<Wakes>,
) -> Poll<F::Output> {
    future.poll(&mut TaskContext::from_waker(&wakes.waker()))
}

/// A future and the task that polls it.
pub(crate) struct Polled<F> {
    future: Pin<Box<F>>,
    wakes: Arc<Wakes>,
}

impl<F: Future> Polled<F> {
    pub(crate) fn new(future: F) -> Self {
        Self {
            future: Box::pin(future),
            wakes: Wakes::new(),
        }
    }

    /// A future that has been polled once and was pending.
    #[track_caller]
    pub(crate) fn pending(future: F) -> Self {
        let mut polled = Self::new(future);
        assert!(polled.poll().is_pending(), "it should wait");
        polled
    }

    pub(crate) fn poll(&mut self) -> Poll<F::Output> {
        poll_pinned(self.future.as_mut(), &self.wakes)
    }

    /// What it gives now.
    #[track_caller]
    pub(crate) fn ready(&mut self) -> F::Output {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it should be ready"),
        }
    }

    pub(crate) fn woken(&self) -> usize {
        self.wakes.count()
    }
}

/// Runs foreign code when it is woken, and when its last clone is dropped.
pub(crate) struct Nosy {
    pub(crate) on_wake: Box<dyn Fn() + Send + Sync>,
    pub(crate) on_drop: Box<dyn Fn() + Send + Sync>,
}

impl Nosy {
    pub(crate) fn waker(
        on_wake: impl Fn() + Send + Sync + 'static,
        on_drop: impl Fn() + Send + Sync + 'static,
    ) -> Waker {
        Waker::from(Arc::new(Self {
            on_wake: Box::new(on_wake),
            on_drop: Box::new(on_drop),
        }))
    }
}

impl Wake for Nosy {
    fn wake(self: Arc<Self>) {
        (self.on_wake)();
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        (self.on_drop)();
    }
}

/// The cause of a context that has ended, as text; empty if it has none.
#[track_caller]
pub(crate) fn cause(ctx: &Context) -> String {
    let cancelled = ctx.err().expect("it has ended");
    cancelled
        .cause()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// Runs `work` on a thread whose stack a recursion over a deep chain would overflow.
pub(crate) fn on_a_small_stack<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    let thread = thread::Builder::new().stack_size(128 * 1024).spawn(work);
    thread.expect("a thread").join().expect("no panic")
}

/// A small generator, for orders that look random and are the same in every run.
pub(crate) struct Shuffle(pub(crate) u64);

impl Shuffle {
    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).expect("64 bits")).expect("64 bits")
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// A runtime whose clock stands still, and that nobody drives.
pub(crate) fn asleep() -> Runtime {
    let mut runtime = Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap()
}

/// Lets time pass on the clock of the runtime that was entered, and no timer ring.
pub(crate) fn pass(time: Duration) {
    // Its first poll moves the clock, and the others would let the runtime go on.
    assert!(Polled::new(tokio::time::advance(time)).poll().is_pending());
}

/// What `attempt` gives, which begins something that is to end soon by the real clock: `None` where this machine was too
/// slow to begin it in time. Then it gets more of it.
pub(crate) fn in_time<R>(mut attempt: impl FnMut(Duration) -> Option<R>) -> R {
    let mut time = Duration::from_millis(5);
    loop {
        if let Some(begun) = attempt(time) {
            return begun;
        }
        time *= 2;
        assert!(time < HOUR, "it never begins in time");
    }
}
