//! T3, T4, T10 and T11: what readers see, and what it costs others.

use super::LEVEL;
use crate::support::{HOUR, Polled, cause};
use ctx::{CancelScope, Context};
use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

#[test]
fn t3_whoever_sees_the_end_sees_all_of_it() {
    for _ in 0..200 {
        let root = Context::background().with_cancel();
        let linked = root.with_cancel();
        let _child = linked.with_cancel();
        let unlinked = root.with_cancel();
        thread::scope(|threads| {
            for ctx in [root.clone(), linked.clone(), unlinked.clone()] {
                threads.spawn(move || {
                    while !ctx.is_cancelled() {
                        thread::yield_now();
                    }
                    assert_eq!(cause(&ctx), "all of it");
                });
            }
            root.cancel_with("all of it");
        });
    }
}

#[test]
fn t3_what_one_reader_has_seen_every_later_reader_sees() {
    let root = Context::background().with_cancel();
    let child = root.with_cancel();
    root.cancel_with("root");
    let seen = child.err().unwrap();
    let later = child.with_value(&LEVEL, 1).err().unwrap();
    assert!(std::ptr::eq(
        std::ptr::from_ref(seen.cause().unwrap()).cast::<()>(),
        std::ptr::from_ref(later.cause().unwrap()).cast::<()>(),
    ));
    assert_eq!(seen.cancelled_at(), later.cancelled_at());
}

#[test]
fn t4_an_error_stays_and_done_is_ready_from_then_on() {
    let scope = Context::background().with_cancel();
    let mut early = Polled::pending(scope.done());
    let mut owned = Polled::pending(scope.done_owned());
    scope.cancel_with("why");
    for _ in 0..3 {
        assert_eq!(cause(&scope), "why");
        assert!(early.ready().noticed_at().is_none());
        assert_eq!(owned.ready().cause().unwrap().to_string(), "why");
        assert_eq!(
            Polled::new(scope.done())
                .ready()
                .cause()
                .unwrap()
                .to_string(),
            "why"
        );
    }
    assert_eq!((early.woken(), owned.woken()), (1, 1));
}

/// The end is seen through `err` before anybody was woken: the next poll must not wait for the wake-up.
#[test]
fn t4_done_is_ready_where_an_unlinked_child_was_read_first() {
    let root = Context::background().with_cancel();
    let child = root.with_cancel();
    let mut waiter = Polled::new(child.done());
    root.cancel();
    assert!(child.err().is_some());
    waiter.ready();
}

/// Reads go on while the walk is at work. Many tries, as nothing makes a busy system run both threads.
#[test]
fn t10_checks_go_on_while_100_000_descendants_are_cancelled() {
    let read_meanwhile = || {
        let root = Context::background().with_cancel();
        let leaves: Vec<_> = (0..100_000).map(|_| root.with_cancel()).collect();
        let _below: Vec<_> = leaves.iter().map(|leaf| leaf.with_cancel()).collect();
        let (at_work, finished) = (AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|threads| {
            let reader = threads.spawn(|| {
                while !root.is_cancelled() {
                    at_work.store(true, Ordering::Release);
                }
                let mut reads = 0;
                while !finished.load(Ordering::Acquire) {
                    assert!(root.is_cancelled() && root.err().is_some());
                    let _ = leaves[reads * 7919 % leaves.len()].err();
                    reads += 1;
                }
                reads
            });
            while !at_work.load(Ordering::Acquire) {
                thread::yield_now();
            }
            root.cancel();
            finished.store(true, Ordering::Release);
            reader.join().unwrap()
        })
    };
    assert!((0..500).any(|_| read_meanwhile() >= 100));
}

#[tokio::test(start_paused = true)]
async fn t10_a_read_wakes_nobody() {
    let root = Context::background().with_timeout(HOUR);
    let child = root.with_cancel();
    let waiter = Polled::pending(child.done());
    // Nothing is awaited between the advance and the read but the advance itself, which lets timers run:
    // so the waiter is woken once, by its own timer, and not once more by the read.
    tokio::time::advance(HOUR).await;
    let woken = waiter.woken();
    assert!(root.is_cancelled() && child.is_cancelled() && child.err().is_some());
    assert_eq!((woken, waiter.woken()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn t11_deriving_reading_and_dropping_spawn_nothing() {
    let metrics = tokio::runtime::Handle::current().metrics();
    let root = Context::background().with_timeout(HOUR);
    let scopes: Vec<_> = (0..100)
        .map(|_| {
            root.with_value(&LEVEL, 1)
                .with_timeout(HOUR / 2)
                .merge(&root)
        })
        .collect();
    let waiters: Vec<_> = scopes
        .iter()
        .map(|it| Polled::new(it.done_owned()).poll())
        .collect();
    assert!(
        waiters.iter().all(std::task::Poll::is_ready),
        "derived from a temporary"
    );
    let hook = root.on_cancel(|_| ());
    let _waiting = Polled::pending(root.done());
    assert_eq!(metrics.num_alive_tasks(), 0);
    assert!(hook.stop());
    root.cancel();
    drop((scopes, waiters));
    assert_eq!(metrics.num_alive_tasks(), 0);
}

/// A context in a `static`, as programs have them.
#[test]
fn a_static_root_serves_every_thread() {
    static ROOT: OnceLock<CancelScope> = OnceLock::new();
    let root = ROOT.get_or_init(|| Context::background().with_cancel());
    thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                for _ in 0..1000 {
                    let child = root.with_cancel();
                    let _grandchild = child.with_cancel();
                    drop(child);
                }
            });
        }
    });
    let child = root.with_cancel();
    root.cancel();
    assert!(child.is_cancelled());
}
