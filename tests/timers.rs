//! A waiter's timer, and the room that it leaves for the next one on its thread: whatever was in there
//! before, it serves whoever comes, and keeps nothing of anybody's.

use crate::support::{HOUR, Nosy, Polled, Wakes, poll_pinned};
use ctx::{CancelScope, Context, Instant};
use futures::executor;
use std::{
    cell::Cell,
    future::{Future, pending, poll_fn},
    panic::{self, AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc, Once,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context as TaskContext, Poll, Waker},
    time::Duration,
};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::{coop, yield_now},
    time::advance,
};

const SOON: Duration = Duration::from_millis(5);

fn runtime(paused: bool) -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(paused)
        .build()
        .unwrap()
}

fn ends(ctx: &Context) -> impl Future<Output = bool> {
    let checkpoint = ctx.run_until_cancelled(pending::<()>());
    async { checkpoint.await.unwrap_err().is_deadline_exceeded() }
}

/// Where a checkpoint may wait for a deadline. Each leaves its box, and the timer in it, to the next.
const PLACES: [fn(); 5] = [
    in_a_runtime,
    under_a_paused_clock,
    outside,
    in_a_dead_runtime,
    years_ahead,
];

fn in_a_runtime() {
    let scope = Context::background().with_timeout(SOON);
    assert!(runtime(false).block_on(ends(&scope)));
}

fn under_a_paused_clock() {
    runtime(true).block_on(async {
        let scope = Context::background().with_timeout(HOUR);
        let mut waiter = Polled::pending(ends(&scope));
        advance(HOUR / 2).await;
        assert!(waiter.woken() == 0 && waiter.poll().is_pending());
        advance(HOUR / 2 + SOON).await;
        assert_eq!(waiter.woken(), 1);
        assert!(waiter.ready());
    });
}

fn outside() {
    let scope = Context::background().with_timeout(SOON);
    assert!(executor::block_on(ends(&scope)));
}

fn in_a_dead_runtime() {
    let dead: Handle = runtime(false).handle().clone();
    let _inside = dead.enter();
    outside();
}

fn years_ahead() {
    runtime(true).block_on(async {
        let scope = Context::background().with_timeout(24 * 365 * 3 * HOUR);
        assert!(ends(&scope).await);
    });
}

#[test]
fn d4_d5_a_timer_s_room_serves_whoever_comes_next() {
    for first in PLACES {
        for second in PLACES {
            first();
            second();
        }
    }
}

/// The same checkpoint, which is still waiting when it comes to the next place.
#[test]
fn d4_d5_a_checkpoint_that_moves_is_woken_where_it_is() {
    for comes_back in [false, true] {
        let (first, second) = (runtime(true), runtime(true));
        let (last, left) = if comes_back {
            (&first, &second)
        } else {
            (&second, &first)
        };
        let scope = Context::background().with_timeout(HOUR);
        let mut waiter = Polled::new(ends(&scope));
        first.block_on(async { assert!(waiter.poll().is_pending()) });
        assert!(waiter.poll().is_pending());
        last.block_on(async { assert!(waiter.poll().is_pending()) });
        // The clock of a place that it has left is nothing to it.
        left.block_on(advance(2 * HOUR));
        assert_eq!(waiter.woken(), 0);
        last.block_on(async {
            advance(2 * HOUR).await;
            assert_eq!(waiter.woken(), 1);
            assert!(waiter.ready());
        });
    }
}

/// Tokio is not given an instant that it cannot add to, for the first sleep nor for those after it.
#[tokio::test(start_paused = true)]
async fn d2_the_last_instant_is_waited_for_by_one_sleep_after_the_other() {
    let mut last = Instant::now();
    let seconds = (0..64).rev().map(|bit| Duration::from_secs(1 << bit));
    let nanos = (0..30).rev().map(|bit| Duration::from_nanos(1 << bit));
    for step in seconds.chain(nanos) {
        last = last.checked_add(step).unwrap_or(last);
    }
    assert!(last.checked_add(Duration::from_nanos(1)).is_none());
    let scope = Context::background().with_deadline(last);
    let mut waiter = Polled::new(scope.done());
    for _ in 0..3 {
        assert_eq!(panics_in(|| assert!(waiter.poll().is_pending())), 0);
        advance(24 * 366 * HOUR).await;
    }
}

/// Moves the paused clock without a turn of the runtime, so that no timer has the time to ring.
fn move_clock(by: Duration) {
    let mut cx = TaskContext::from_waker(Waker::noop());
    assert!(pin!(advance(by)).poll(&mut cx).is_pending());
}

/// By the clock, and not by a timer that has yet to ring.
#[tokio::test(start_paused = true)]
async fn d3_whoever_looks_after_the_deadline_does_not_wait() {
    let scope = Context::background().with_timeout(HOUR);
    let mut waiting = Polled::pending(scope.done());
    let mut checkpoint = Polled::pending(scope.run_until_cancelled(pending::<()>()));
    move_clock(HOUR);
    // The first of them is the one that ends the scope.
    assert!(waiting.ready().is_deadline_exceeded());
    assert!(checkpoint.ready().is_err());
    let unseen = Context::background().with_timeout(HOUR);
    let other = Context::background().with_timeout(HOUR);
    let mut checkpoint = Polled::pending(other.run_until_cancelled(pending::<()>()));
    move_clock(HOUR);
    assert!(Polled::new(unseen.done()).ready().is_deadline_exceeded());
    assert!(checkpoint.ready().is_err());
}

/// Not even where none is left: then it would be woken for nothing.
#[tokio::test(start_paused = true)]
async fn c7_a_timer_that_is_polled_again_costs_no_budget() {
    let scope = Context::background().with_timeout(HOUR);
    let mut done = Polled::pending(scope.done());
    let mut checkpoint = Polled::pending(scope.run_until_cancelled(pending::<()>()));
    let mut cx = TaskContext::from_waker(Waker::noop());
    while let Poll::Ready(budget) = coop::poll_proceed(&mut cx) {
        budget.made_progress();
    }
    assert!(done.poll().is_pending() && checkpoint.poll().is_pending());
    // Whoever asked for budget in vain is woken in the next turn.
    yield_now().await;
    assert_eq!((done.woken(), checkpoint.woken()), (0, 0));
}

/// One that waited for a deadline in another task, and is answered in this one, has left that task alone.
#[tokio::test(start_paused = true)]
async fn c8_a_checkpoint_that_moves_and_is_answered_stops_its_timer() {
    let scope = Context::background().with_timeout(HOUR);
    let mut inner = pin!(scope.run_until_cancelled(pending::<()>()));
    let mut polls = 0;
    let mut outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
        polls += 1;
        if polls == 1 {
            return Poll::Pending;
        }
        inner.as_mut().poll(cx)
    })));
    let (before, now) = (Wakes::new(), Wakes::new());
    assert!(poll_pinned(outer.as_mut(), &before).is_pending());
    assert!(poll_pinned(outer.as_mut(), &now).is_pending());
    advance(2 * HOUR).await;
    assert_eq!((before.count(), now.count()), (0, 1));
    assert!(matches!(poll_pinned(outer, &now), Poll::Ready(Ok(Err(_)))));
}

thread_local! {
    static PANICS: Cell<Option<usize>> = const { Cell::new(None) };
}

/// How many panics `act` started on this thread, caught ones too.
fn panics_in(act: impl FnOnce()) -> usize {
    static LISTENS: Once = Once::new();
    LISTENS.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| match PANICS.get() {
            Some(count) => PANICS.set(Some(count + 1)),
            None => others(info),
        }));
    });
    PANICS.set(Some(0));
    act();
    PANICS.take().unwrap_or_default()
}

/// Its panic is caught, but is reported all the same, and so is to come once.
#[test]
fn d4_a_dead_runtime_is_asked_once() {
    let dead: Handle = runtime(false).handle().clone();
    let _inside = dead.enter();
    let scope = Context::background().with_timeout(HOUR);
    let mut waiter = Polled::new(scope.done());
    let panics = panics_in(|| {
        for _ in 0..3 {
            assert!(waiter.poll().is_pending());
        }
    });
    assert_eq!(panics, 1);
}

/// It says so by a panic, and keeps nothing that was set elsewhere before.
#[test]
fn d4_a_timer_that_cannot_be_set_is_not_set() {
    let scope = Context::background().with_timeout(HOUR);
    let wakes = Wakes::new();
    let mut done = pin!(scope.done());
    assert!(poll_pinned(done.as_mut(), &wakes).is_pending());
    let waiting = Arc::strong_count(&wakes);
    let timeless = Builder::new_current_thread().build().unwrap();
    let _inside = timeless.enter();
    let poll = AssertUnwindSafe(|| poll_pinned(done.as_mut(), &wakes));
    assert_eq!(panics_in(|| assert!(catch_unwind(poll).is_err())), 1);
    assert_eq!(Arc::strong_count(&wakes), waiting - 1);
}

/// Whoever is ready has given its waker back, by whatever its context ended.
#[tokio::test(start_paused = true)]
async fn t7_a_waiter_that_is_ready_keeps_no_waker() {
    fn call(scope: &CancelScope) {
        scope.cancel();
    }
    fn read(scope: &CancelScope) {
        assert!(scope.is_cancelled());
    }
    for (after, end) in [
        (Duration::ZERO, call as fn(&CancelScope)),
        (HOUR, call),
        (HOUR, read),
    ] {
        let scope = Context::background().with_timeout(HOUR);
        let wakes = Wakes::new();
        let mut done = pin!(scope.done());
        let mut checkpoint = pin!(scope.run_until_cancelled(pending::<()>()));
        assert!(poll_pinned(done.as_mut(), &wakes).is_pending());
        assert!(poll_pinned(checkpoint.as_mut(), &wakes).is_pending());
        assert!(Arc::strong_count(&wakes) > 1);
        move_clock(after);
        end(&scope);
        assert!(poll_pinned(done.as_mut(), &wakes).is_ready());
        assert!(poll_pinned(checkpoint.as_mut(), &wakes).is_ready());
        assert_eq!(Arc::strong_count(&wakes), 1);
    }
}

/// A checkpoint whose timer holds the last clone of `waker` gives up, and so drops it.
fn gives_up_with_a_timer_of(scope: &CancelScope, waker: Waker) {
    let mut checkpoint = pin!(scope.run_until_cancelled(pending::<()>()));
    let mut cx = TaskContext::from_waker(&waker);
    assert!(checkpoint.as_mut().poll(&mut cx).is_pending());
    drop(waker);
    assert!(scope.cancel());
    let mut cx = TaskContext::from_waker(Waker::noop());
    assert!(matches!(
        checkpoint.as_mut().poll(&mut cx),
        Poll::Ready(Err(_))
    ));
}

/// What the timer held is dropped before its box is anybody's, so the next waiter may come from in there.
#[tokio::test(start_paused = true)]
async fn t9_a_waker_that_a_stopped_timer_drops_may_wait_itself() {
    let drops = Arc::new(AtomicUsize::new(0));
    let scope = Context::background().with_timeout(HOUR);
    let dropped = Arc::clone(&drops);
    let waker = Nosy::waker(
        || (),
        move || {
            let inner = Context::background().with_timeout(HOUR);
            drop(Polled::pending(ends(&inner)));
            gives_up_with_a_timer_of(&inner, Wakes::new().waker());
            dropped.fetch_add(1, Ordering::SeqCst);
        },
    );
    gives_up_with_a_timer_of(&scope, waker);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    let next = Context::background().with_timeout(HOUR);
    assert!(ends(&next).await);
}

#[tokio::test(start_paused = true)]
async fn t9_a_waker_that_panics_when_a_stopped_timer_drops_it_harms_nobody_else() {
    let scope = Context::background().with_timeout(HOUR);
    let waker = || Nosy::waker(|| (), || panic!("a waker's drop"));
    let gives_up = AssertUnwindSafe(|| gives_up_with_a_timer_of(&scope, waker()));
    assert!(catch_unwind(gives_up).is_err());
    let live = Context::background().with_timeout(HOUR);
    let mut done = Box::pin(live.done());
    assert!(
        done.as_mut()
            .poll(&mut TaskContext::from_waker(&waker()))
            .is_pending()
    );
    assert!(catch_unwind(AssertUnwindSafe(|| drop(done))).is_err());
    let mut neighbour = Polled::pending(live.done());
    let next = Context::background().with_timeout(HOUR / 2);
    assert!(ends(&next).await);
    assert!(!live.is_cancelled() && ends(&live).await);
    neighbour.ready();
}
