//! Futures to put into checkpoints, and combinators as unkind as real ones.

use crate::support::{Wakes, poll_pinned};
use ctx::{CancelScope, Cancelled, Context, RunUntilCancelledOwned, with_context};
use std::{
    future::{Future, IntoFuture, Pending, pending, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context as TaskContext, Poll, Wake, Waker},
};

pub(super) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A context without an end that every test may derive from.
pub(super) const ROOT: Context = Context::background();

/// A future that waits until its gate is opened, and tells what was done to it.
pub(super) struct Gated(Gate);

#[derive(Clone, Default)]
pub(super) struct Gate(Arc<Inside>);

#[derive(Default)]
struct Inside {
    open: AtomicBool,
    polls: AtomicUsize,
    dropped: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

pub(super) fn gated() -> (Gate, Gated) {
    let gate = Gate::default();
    (gate.clone(), Gated(gate))
}

impl Gate {
    pub(super) fn open(&self) {
        self.0.open.store(true, Ordering::SeqCst);
        let waker = self.0.waker.lock().unwrap().take();
        waker.into_iter().for_each(Waker::wake);
    }

    pub(super) fn polls(&self) -> usize {
        self.0.polls.load(Ordering::SeqCst)
    }

    pub(super) fn is_dropped(&self) -> bool {
        self.0.dropped.load(Ordering::SeqCst)
    }
}

impl Future for Gated {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let inside = &self.0.0;
        inside.polls.fetch_add(1, Ordering::SeqCst);
        if inside.open.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        *inside.waker.lock().unwrap() = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Gated {
    fn drop(&mut self) {
        self.0.0.dropped.store(true, Ordering::SeqCst);
    }
}

/// A place out of which a future can be taken while somebody waits for it there.
pub(super) struct Slot<F>(Arc<Mutex<Option<Pin<Box<F>>>>>);

impl<F> Clone for Slot<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F: Future> Slot<F> {
    pub(super) fn new(future: F) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::pin(future)))))
    }

    pub(super) fn take(&self) -> Pin<Box<F>> {
        let taken = self.0.lock().unwrap().take();
        taken.expect("it was not taken before")
    }

    /// Polls what is in the slot, and waits for good once that was taken.
    pub(super) fn future(&self) -> impl Future<Output = F::Output> + use<F> {
        let slot = self.clone();
        poll_fn(move |cx| {
            let Some(mut future) = slot.0.lock().unwrap().take() else {
                return Poll::Pending;
            };
            let polled = future.as_mut().poll(cx);
            if polled.is_pending() {
                *slot.0.lock().unwrap() = Some(future);
            }
            polled
        })
    }
}

/// Gives its future a waker of its own, and another one for every poll.
pub(super) struct FreshWaker<F>(Pin<Box<F>>);

impl<F> FreshWaker<F> {
    pub(super) fn new(future: F) -> Self {
        Self(Box::pin(future))
    }
}

struct Forward(Waker);

impl Wake for Forward {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
    }
}

impl<F: Future> Future for FreshWaker<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let waker = Waker::from(Arc::new(Forward(cx.waker().clone())));
        self.0.as_mut().poll(&mut TaskContext::from_waker(&waker))
    }
}

/// A call of mode `between`, as the macro makes it.
#[track_caller]
pub(super) fn between<C: AsRef<Context> + Clone, F: Future>(
    ctx: C,
    future: F,
) -> impl Future<Output = Result<F::Output, Cancelled>> {
    ctx::__private::between(ctx, future).into_future()
}

/// One that waits for the end of its context.
pub(super) fn waiting(ctx: &Context) -> Boxed<Result<(), Cancelled>> {
    Box::pin(ctx.run_until_cancelled_owned(pending::<()>()))
}

#[with_context]
pub(super) async fn awaits_both(
    first: impl Future<Output = ()>,
    second: impl Future<Output = ()>,
) -> Result<(), Cancelled> {
    first.await;
    second.await;
    Ok(())
}

#[with_context]
pub(super) async fn awaits_and_calls(
    first: impl Future<Output = ()>,
    second: impl Future<Output = ()>,
) -> Result<(), Cancelled> {
    first.await;
    #[checkpoints(between)]
    second.await;
    Ok(())
}

/// One that is pending was told to look once more, or is woken by the end.
#[track_caller]
pub(super) fn hears_of_the_end<F: Future>(
    middle: Pin<&mut F>,
    scope: &CancelScope,
    wakes: &Arc<Wakes>,
    before: usize,
) {
    if wakes.count() > before {
        assert!(run(middle, wakes).is_pending());
    }
    let before = wakes.count();
    scope.cancel();
    assert!(wakes.count() > before, "the wake-up is lost");
}

/// Polls a task as an executor does: once, and again as long as it was woken. The polls are bounded, so
/// that a task that wakes itself without end is found out.
#[track_caller]
pub(super) fn run<F: Future + ?Sized>(
    mut future: Pin<&mut F>,
    wakes: &Arc<Wakes>,
) -> Poll<F::Output> {
    for _ in 0..100 {
        let before = wakes.count();
        let polled = poll_pinned(future.as_mut(), wakes);
        if polled.is_ready() || wakes.count() == before {
            return polled;
        }
    }
    panic!("it spins");
}

/// The same for a task of which nothing is asked but to be ready.
#[track_caller]
pub(super) fn finish<F: Future + ?Sized>(future: Pin<&mut F>, wakes: &Arc<Wakes>) -> F::Output {
    match run(future, wakes) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it hangs"),
    }
}

/// A future that acts at each poll and stays pending.
pub(super) fn with_each_poll(mut act: impl FnMut()) -> impl Future<Output = ()> {
    poll_fn(move |_| {
        act();
        Poll::Pending
    })
}

/// Its first await is over when the gate opens, and the second one cannot be given up.
#[with_context]
pub(super) async fn passes_and_is_held(gate: Gated) -> Result<(), Cancelled> {
    gate.await;
    #[shield]
    pending::<()>().await;
    Ok(())
}

/// The two kinds of futures that must not be dropped.
#[derive(Clone, Copy, Debug)]
pub(super) enum Guard {
    Shield,
    Between,
}

pub(super) const GUARDS: [Guard; 2] = [Guard::Shield, Guard::Between];

impl Guard {
    pub(super) fn put(self, ctx: &Context, future: Gated) -> Boxed<()> {
        let ctx = ctx.clone();
        match self {
            Guard::Shield => {
                let guarded = ctx.without_cancel().run_until_cancelled_owned(future);
                Box::pin(async { guarded.await.unwrap() })
            }
            Guard::Between => Box::pin(async move { between(&ctx, future).await.unwrap() }),
        }
    }
}

/// A chain of checkpoints around each other, on one context, the innermost waiting.
pub(super) fn chain(scope: &CancelScope, depth: usize) -> Boxed<usize> {
    let mut chain: Boxed<usize> = Box::pin(pending());
    for level in 0..depth {
        let next = scope.run_until_cancelled_owned(chain);
        chain = Box::pin(async move { next.await.unwrap_or(level) });
    }
    chain
}

type Waits = RunUntilCancelledOwned<Pending<()>>;

/// A checkpoint that waits inside another, polled once, and the slot that it can be taken out of.
pub(super) struct Nest {
    outer: Boxed<bool>,
    pub(super) inner: Slot<Waits>,
    pub(super) wakes: Arc<Wakes>,
}

impl Nest {
    pub(super) fn new(scope: &CancelScope) -> Self {
        let inner = Slot::new(scope.run_until_cancelled_owned(pending()));
        let outer = scope.run_until_cancelled_owned(inner.future());
        let mut outer: Boxed<bool> = Box::pin(async { outer.await.is_err() });
        let wakes = Wakes::new();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        assert_eq!(wakes.count(), 0);
        Self {
            outer,
            inner,
            wakes,
        }
    }

    /// The outer one hears of the end: it was woken by now if `at_once`, or is when the context ends.
    #[track_caller]
    pub(super) fn hears(mut self, scope: &CancelScope) {
        // An executor polls the task if it was woken, and only then.
        if self.wakes.count() > 0 {
            assert!(run(self.outer.as_mut(), &self.wakes).is_pending());
        }
        let before = self.wakes.count();
        scope.cancel();
        assert!(self.wakes.count() > before, "the wake-up is lost");
        assert!(finish(self.outer.as_mut(), &self.wakes));
    }
}
