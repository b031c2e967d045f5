//! The least that any checkpoint must do, written out: what no checkpoint on tokio can be faster than.
//!
//! It takes a unit of tokio's budget when it starts (rule C7), and looks at the context first (C1). While it
//! polls its future it leaves a mark on the thread, which those inside find (C3), and takes it off again. The
//! outermost one's mark says which task it is in and by which waker it is woken, too: a checkpoint of a task that
//! is polled inside must tell that it is another one (C3), and one behind a combinator's own waker must not rely
//! on this one's (C4). Neither can be found out later; that the marks further in do without it is a gift.
//! Where its future stays pending it looks whether somebody inside waits (C3), which nothing tells but the thread,
//! and waits itself if nobody does: its waker stands behind a lock until it is over (C4), and that is
//! the cheapest of locks, which nobody could wait for. It ends nothing, takes no
//! part in any tree, and leaves nothing to those around it: it is a floor and no checkpoint.

use crate::{chain::Boxed, leaf::Leaf};
use ctx::Context;
use spin::mutex::SpinMutex;
use std::{
    cell::Cell,
    future::{Future, poll_fn},
    hint::black_box,
    mem,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context as TaskContext, Poll, Waker, ready},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    task::{
        Id,
        coop::{self, unconstrained},
        try_id,
    },
    time::{Instant, sleep_until},
};

thread_local! {
    static ASKING: Cell<usize> = const { Cell::new(0) };
    static WOKEN_BY: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    static TASK: Cell<Option<Id>> = const { Cell::new(None) };
    /// How often somebody inside has begun or gone on to wait.
    static WAITS: Cell<usize> = const { Cell::new(0) };
}

/// What only the outermost one leaves on the thread.
pub(crate) struct Outermost<F>(pub(crate) F);

impl<F: Future + Unpin> Future for Outermost<F> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let waker = cx.waker();
        WOKEN_BY.set((
            waker.data().addr(),
            std::ptr::from_ref(waker.vtable()).addr(),
        ));
        TASK.set(try_id());
        Pin::new(&mut self.0).poll(cx)
    }
}

pub(crate) struct Least<'c, F> {
    ctx: &'c Context,
    started: bool,
    list: Option<&'c SpinMutex<Option<Waker>>>,
    future: F,
}

impl<F: Future + Unpin> Future for Least<'_, F> {
    type Output = Option<F::Output>;

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "processors remember few calls within calls, and the floor is not to suffer from that"
    )]
    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        if !self.started {
            ready!(coop::poll_proceed(cx)).made_progress();
            if self.ctx.is_cancelled() {
                return Poll::Ready(None);
            }
            self.started = true;
        }
        let before = ASKING.replace(std::ptr::from_ref(self.ctx).addr());
        let waits = WAITS.get();
        let polled = Pin::new(&mut self.future).poll(cx);
        ASKING.set(before);
        if polled.is_pending() && WAITS.get() == waits {
            WAITS.set(waits.wrapping_add(1));
            if let Some(list) = self.list {
                let waker = cx.waker().clone();
                drop(list.lock().replace(waker));
            }
        }
        polled.map(Some)
    }
}

impl<F> Drop for Least<'_, F> {
    fn drop(&mut self) {
        if let Some(list) = self.list {
            drop(list.lock().take());
        }
    }
}

pub(crate) fn least<F>(ctx: &Context, future: F) -> Least<'_, F> {
    Least {
        ctx,
        started: false,
        list: None,
        future,
    }
}

/// One future that is ready.
pub(crate) fn by_hand(ctx: &Context) -> impl Future<Output = Option<()>> {
    Outermost(least(ctx, Leaf(black_box(0))))
}

/// One await that is ready.
pub(crate) async fn one(ctx: &Context) -> Option<()> {
    Outermost(least(ctx, Leaf(black_box(0)))).await
}

/// One await that is pending once.
pub(crate) async fn one_pending(ctx: &Context, list: &SpinMutex<Option<Waker>>) -> Option<()> {
    let mut least = least(ctx, Leaf(black_box(1)));
    least.list = Some(list);
    Outermost(least).await
}

/// Many awaits that stay in no list, as if each found itself in it.
pub(crate) async fn many(ctx: &Context, awaits: u32, pending: u32) -> Option<()> {
    for _ in 0..awaits {
        Outermost(least(ctx, Leaf(black_box(pending)))).await?;
    }
    Some(())
}

/// The chain, whose innermost awaits stay in no list either.
pub(crate) async fn nested(ctx: &Context, depth: u32, yields: u32) -> Option<()> {
    let inner: Boxed<'_, _> = Box::pin(inside(ctx, depth - 1, yields));
    Outermost(least(ctx, inner)).await?
}

async fn inside(ctx: &Context, depth: u32, yields: u32) -> Option<()> {
    if depth > 1 {
        let inner: Boxed<'_, _> = Box::pin(inside(ctx, depth - 1, yields));
        return least(ctx, inner).await?;
    }
    for _ in 0..yields {
        least(ctx, Leaf(black_box(1))).await?;
    }
    Some(())
}

/// One await under a deadline of its own, pending once and done in time.
///
/// A scope is an allocation, and its deadline one look at the clock. The first poll looks at the clock again,
/// for what has ended starts nothing, to the instant (rules C1 and D3). While it is pending a timer of tokio's
/// is set, where there is a runtime, which must be asked (D4), and takes no budget (C7), and the waker stands in a
/// list for whoever ends the scope or one above it (C4). All of it is kept on the stack but the scope, though a scope
/// outlives the stack of who made it.
pub(crate) async fn in_time(
    ctx: &Context,
    within: Duration,
    list: &SpinMutex<Option<Waker>>,
) -> Option<()> {
    let scope = Arc::new((Instant::now() + within, [0_u64; 12]));
    Handle::try_current().ok()?;
    let mut timer = pin!(unconstrained(sleep_until(black_box(&scope).0)));
    let mut least = least(ctx, Leaf(black_box(1)));
    least.list = Some(list);
    let mut least = Outermost(least);
    let mut starts = true;
    poll_fn(|cx| {
        if mem::take(&mut starts) && scope.0 <= Instant::now() {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut least).poll(cx);
        if polled.is_pending() && timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        polled
    })
    .await
}
