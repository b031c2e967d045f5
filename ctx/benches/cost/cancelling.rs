//! Ending a crowd.

use crate::{
    bound::{at_most, times},
    harness::Harness,
    leaf::waker,
    report::Role,
    timed::prepared,
};
use ctx::{CancelScope, Context, DoneOwned};
use std::{
    future::Future,
    hint::black_box,
    pin::Pin,
    sync::atomic::{
        AtomicBool, AtomicU8,
        Ordering::{Acquire, Relaxed, Release},
    },
    task::{Context as TaskContext, Waker},
    thread,
    time::Instant,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

const CROWD: u32 = 100_000;
const TOKEN: &str = "CancellationToken";

type TokenWaiter = Pin<Box<WaitForCancellationFutureOwned>>;

pub(crate) fn rows(harness: &mut Harness) {
    let waker = &waker();
    let waiting = |harness: &mut Harness, title, count: u32, heavy| {
        let row = harness
            .row("cancelling", title)
            .ours(prepared(move || waiters(count, waker), |it| it.0.cancel()))
            .rival(
                TOKEN,
                prepared(move || token_waiters(count, waker), |it| it.0.cancel()),
            )
            .per(count);
        let row = if heavy {
            row.heavy().go("Go", "CancelWaiting100000")
        } else {
            row
        };
        row.bound(times(0.8, TOKEN)).measure();
    };
    waiting(
        harness,
        "cancel 1,000 waiting children, per child",
        1_000,
        false,
    );
    waiting(
        harness,
        "cancel 100,000 waiting children, per child",
        CROWD,
        true,
    );
    harness
        .row("cancelling", "cancel 100,000 idle children, per child")
        .ours(prepared(|| idle(CROWD), |it| it.0.cancel()))
        .rival(TOKEN, prepared(|| idle_tokens(CROWD), |it| it.0.cancel()))
        .go("Go", "CancelIdle100000")
        .per(CROWD)
        .heavy()
        .bound(times(0.2, TOKEN))
        .measure();
    meanwhile(harness, waker);
}

fn waiters(count: u32, waker: &Waker) -> (CancelScope, Vec<DoneOwned>) {
    let root = Context::background().with_cancel();
    let mut cx = TaskContext::from_waker(waker);
    let waiters = (0..count).map(|_| {
        let mut done = root.with_cancel().detach().done_owned();
        assert!(Pin::new(&mut done).poll(&mut cx).is_pending());
        done
    });
    let waiters = waiters.collect();
    (root, waiters)
}

fn token_waiters(count: u32, waker: &Waker) -> (CancellationToken, Vec<TokenWaiter>) {
    let root = CancellationToken::new();
    let mut cx = TaskContext::from_waker(waker);
    let waiters = (0..count).map(|_| {
        let mut done = Box::pin(root.child_token().cancelled_owned());
        assert!(done.as_mut().poll(&mut cx).is_pending());
        done
    });
    let waiters = waiters.collect();
    (root, waiters)
}

fn idle(count: u32) -> (CancelScope, Vec<CancelScope>) {
    let root = Context::background().with_cancel();
    let children = (0..count).map(|_| root.with_cancel()).collect();
    (root, children)
}

fn idle_tokens(count: u32) -> (CancellationToken, Vec<CancellationToken>) {
    let root = CancellationToken::new();
    let children = (0..count).map(|_| root.child_token()).collect();
    (root, children)
}

/// How long a call on the root takes while the root is being cancelled, as another thread sees it. The
/// floor is a bare flag, read while the same cancellation goes on: it shows what the machine alone does to
/// such a loop.
///
/// A thread that asks in a loop asks once while it is blocked, however long that is, so the percentile of
/// its calls hides a lock that is held for milliseconds. The second row therefore adds the asks that would
/// have come meanwhile, one each microsecond, and waited for the rest of it.
fn meanwhile(harness: &mut Harness, waker: &Waker) {
    const TITLES: [&str; 2] = [
        "is_cancelled on the root during that cancel, 99.9th percentile",
        "the same, with those that would have come while a call was blocked",
    ];
    if !TITLES
        .iter()
        .any(|title| harness.wants("cancelling", title))
    {
        return;
    }
    let runs = if harness.is_quick() { 2 } else { 15 };
    // Each holds a percentile of every run: of its calls, and of these and those that they held up.
    let [mut ours, mut theirs, mut bare] = [const { [const { Vec::new() }; 2] }; 3];
    for _ in 0..runs {
        let (root, waiters) = waiters(CROWD, waker);
        asked_during(&mut ours, || root.cancel(), || root.is_cancelled());
        drop((root, waiters));
        let (root, waiters) = token_waiters(CROWD, waker);
        asked_during(&mut theirs, || root.cancel(), || root.is_cancelled());
        drop((root, waiters));
        let ((root, waiters), flag) = (self::waiters(CROWD, waker), AtomicBool::new(false));
        asked_during(&mut bare, || root.cancel(), || flag.load(Acquire));
        drop((root, waiters));
    }
    let sides = ours.into_iter().zip(theirs).zip(bare);
    for ((at, title), ((ours, theirs), bare)) in TITLES.iter().enumerate().zip(sides) {
        let row = harness
            .row("cancelling", title)
            .known("ours", Role::Ours, ours)
            .known(TOKEN, Role::Rival, theirs)
            .known("AtomicBool::load", Role::Floor, bare);
        let row = if at == 0 {
            row.bound(at_most(1_000.0, "ns"))
        } else {
            row
        };
        row.measure();
    }
}

/// Times each call of `ask` that falls into the one call of `cancel`, which another thread makes.
fn asked_during<T, U>(
    percentiles: &mut [Vec<f64>; 2],
    cancel: impl FnOnce() -> T,
    ask: impl Fn() -> U + Sync,
) {
    const IDLE: u8 = 0;
    const BEGUN: u8 = 1;
    const OVER: u8 = 2;
    let (asking, stage) = (AtomicBool::new(false), AtomicU8::new(IDLE));
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut samples = Vec::with_capacity(1 << 20);
            asking.store(true, Release);
            while stage.load(Acquire) != OVER {
                let start = Instant::now();
                black_box(black_box(&ask)());
                let took = start.elapsed();
                if stage.load(Relaxed) != IDLE {
                    samples.push(took.as_secs_f64() * 1e9);
                }
            }
            samples
        });
        // Pairs with the reader's store: it is running, on a core of its own if there is one.
        while !asking.load(Acquire) {
            std::hint::spin_loop();
        }
        stage.store(BEGUN, Release);
        black_box(cancel());
        stage.store(OVER, Release);
        let samples = reader.join().expect("the reader only asks");
        percentiles[1].extend(percentile(with_held_up(&samples)));
        percentiles[0].extend(percentile(samples));
    });
}

/// The calls, and what those would have taken that come each microsecond while one is blocked.
fn with_held_up(samples: &[f64]) -> Vec<f64> {
    let all = samples.iter().flat_map(|took| {
        let rest = move |waited: u32| took - 1_000.0 * f64::from(waited);
        (0..).map(rest).take_while(|rest| *rest > 0.0)
    });
    all.collect()
}

fn percentile(mut samples: Vec<f64>) -> Option<f64> {
    samples.sort_by(f64::total_cmp);
    let at = samples.len() - samples.len() / 1_000;
    samples.get(at.checked_sub(1)?).copied()
}
