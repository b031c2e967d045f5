//! T1 to T12: how an end comes down the tree. Memory and depth (T7, T8) are in `allocations`.

use crate::support::{HOUR, Nosy, Polled, Wakes, cause, poll};
use ctx::{CancelScope, Context, Reason, Trigger};
use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Barrier, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    task::Context as TaskContext,
    thread,
    time::Duration,
};

ctx::ctx_value! { LEVEL: u32; }

#[test]
fn t1_cancel_reaches_every_descendant_before_it_returns() {
    let root = Context::background().with_cancel();
    let middle = root.with_cancel();
    let sibling = root.with_cancel();
    let below = [
        middle.clone(),
        middle.with_value(&LEVEL, 1),
        middle.with_cancel().detach(),
        middle
            .with_timeout(HOUR)
            .with_cancel()
            .detach()
            .with_value(&LEVEL, 2),
    ];
    // The last one was derived from a temporary, which has ended it already; that must not hide here.
    assert!(below[3].is_cancelled() && !below[2].is_cancelled());
    let grandchildren: Vec<_> = (0..100)
        .map(|_| below[2].with_timeout(HOUR).detach())
        .collect();
    let mut waiters: Vec<_> = grandchildren
        .iter()
        .map(|it| Polled::pending(it.done()))
        .collect();

    assert!(middle.cancel());
    assert!(
        below
            .iter()
            .chain(&grandchildren)
            .all(Context::is_cancelled)
    );
    assert!(waiters.iter().all(|it| it.woken() == 1));
    assert!(
        waiters
            .iter_mut()
            .all(|it| it.ready().reason() == Reason::Cancelled)
    );
    assert!(!root.is_cancelled() && !sibling.is_cancelled());
}

#[test]
fn t1_a_without_cancel_cuts_the_tree() {
    let root = Context::background().with_cancel();
    let shielded = root.without_cancel();
    let below = shielded.with_cancel();
    root.cancel();
    assert!(!shielded.is_cancelled() && !below.is_cancelled());
}

/// A hundred rounds, as the window is short. Both cancellers walk the same lists at the same time.
#[test]
fn t1_cancellers_at_different_heights_both_leave_nobody_behind() {
    for _ in 0..100 {
        let root = Context::background().with_cancel();
        let middle = root.with_cancel();
        let leaves: Vec<_> = (0..200)
            .map(|_| middle.with_cancel().with_cancel_below())
            .collect();
        let start = Barrier::new(2);
        thread::scope(|threads| {
            for canceller in [root.canceller(), middle.canceller()] {
                let (start, leaves) = (&start, &leaves);
                threads.spawn(move || {
                    start.wait();
                    canceller.cancel();
                    assert!(leaves.iter().all(|(_, leaf)| leaf.is_cancelled()));
                });
            }
        });
    }
}

trait WithCancelBelow {
    fn with_cancel_below(self) -> (CancelScope, CancelScope);
}

impl WithCancelBelow for CancelScope {
    /// The scope and one below it, so that the lists have two levels.
    fn with_cancel_below(self) -> (CancelScope, CancelScope) {
        let below = self.with_cancel();
        (self, below)
    }
}

#[test]
fn t2_the_first_cancellation_wins() {
    let scope = Context::background().with_cancel();
    let canceller = scope.canceller();
    assert!(canceller.cancel_with("first"));
    let first = scope.err().unwrap();
    assert!(!scope.cancel());
    assert!(!scope.cancel_with("second"));
    assert!(!canceller.cancel());
    let last = scope.err().unwrap();
    assert_eq!(cause(&scope), "first");
    assert_eq!(last.cancelled_at(), first.cancelled_at());
    assert_eq!(last.trigger(), Trigger::Call);
    let clone = scope.clone();
    drop(scope);
    assert_eq!(cause(&clone), "first");
}

#[test]
fn t2_of_many_cancellers_exactly_one_is_told_so() {
    for _ in 0..200 {
        let scope = Context::background().with_cancel();
        let start = Barrier::new(3);
        let winners: Vec<_> = thread::scope(|threads| {
            let handles: Vec<_> = ["a", "b", "c"]
                .map(|name| {
                    let (start, canceller) = (&start, scope.canceller());
                    threads.spawn(move || {
                        start.wait();
                        canceller.cancel_with(name).then_some(name)
                    })
                })
                .into_iter()
                .collect();
            handles
                .into_iter()
                .filter_map(|it| it.join().unwrap())
                .collect()
        });
        assert_eq!(winners, [cause(&scope)]);
    }
}

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

#[test]
fn t5_a_descendant_inherits_reason_cause_and_location() {
    let root = Context::background().with_timeout(HOUR);
    let middle = root.with_cancel();
    let leaf = middle.with_value(&LEVEL, 1).with_timeout(2 * HOUR);
    let _linked = leaf.with_cancel();
    root.cancel_with("root");
    let from = root.err().unwrap();
    for ctx in [&*middle, &*leaf, &leaf.with_cancel()] {
        let got = ctx.err().unwrap();
        assert_eq!(got.reason(), from.reason());
        assert_eq!(got.trigger(), from.trigger());
        assert_eq!(got.cancelled_at(), from.cancelled_at());
        assert_eq!(cause(ctx), "root");
    }
}

/// Values hold no end of their own, and not each holds its scope.
#[test]
fn t1_t5_the_end_of_a_scope_is_seen_behind_any_number_of_values() {
    let root = Context::background().with_cancel();
    let shield = root.without_cancel();
    let scope = root.with_cancel();
    let layers = |ctx: &Context| {
        let mut layers = vec![ctx.clone()];
        for level in 0..20 {
            layers.push(layers[layers.len() - 1].with_value(&LEVEL, level));
        }
        layers
    };
    let [above, shielded, alone] = [&*root, &shield, &Context::background()].map(layers);
    let behind = layers(&above[7].with_timeout(HOUR).detach());
    let ending = layers(&scope);
    let live = || above.iter().chain(&shielded).chain(&alone).chain(&behind);
    assert!(live().chain(&ending).all(|ctx| !ctx.is_cancelled()));
    scope.cancel_with("the scope");
    for ctx in &ending {
        assert!(ctx.is_cancelled() && ctx.check().is_err());
        assert_eq!(ctx.err().unwrap().cause().unwrap().to_string(), "the scope");
    }
    assert!(live().all(|ctx| !ctx.is_cancelled() && ctx.check().is_ok()));
    let deadlines = |layers: &[Context]| layers.iter().all(|ctx| ctx.deadline().is_some());
    assert!(deadlines(&behind) && !above.iter().any(|ctx| ctx.deadline().is_some()));
    root.cancel_with("the root");
    for ctx in above.iter().chain(&behind) {
        assert!(ctx.is_cancelled());
        assert_eq!(ctx.err().unwrap().cause().unwrap().to_string(), "the root");
    }
    let unended = || shielded.iter().chain(&alone);
    assert!(unended().all(|ctx| !ctx.is_cancelled() && ctx.err().is_none()));
}

#[test]
fn t6_a_child_of_a_cancelled_parent_is_born_cancelled() {
    let parent = Context::background().with_cancel();
    parent.cancel_with("parent");
    for child in [
        parent.with_cancel(),
        parent.with_timeout(HOUR),
        parent.with_timeout_cause(Duration::ZERO, "child"),
        parent.merge(&Context::background()),
        Context::background().merge(&parent),
    ] {
        assert!(child.is_cancelled());
        assert_eq!(cause(&child), "parent");
        assert_eq!(
            child.err().unwrap().cancelled_at(),
            parent.err().unwrap().cancelled_at()
        );
        assert!(!child.cancel());
        Polled::new(child.done()).ready();
    }
}

#[test]
fn t6_a_race_of_deriving_and_cancelling_loses_neither_wake_up_nor_cause() {
    for round in 0..300 {
        let parent = Context::background().with_cancel();
        let canceller = parent.canceller();
        let start = Barrier::new(2);
        thread::scope(|threads| {
            threads.spawn(|| {
                start.wait();
                canceller.cancel_with("parent");
            });
            start.wait();
            let child = if round % 2 == 0 {
                parent.with_cancel()
            } else {
                Context::background().merge(&parent)
            };
            // It parks until it is woken, so a lost wake-up hangs here.
            let end = child.with_timeout(HOUR).detach().blocking_done();
            assert_eq!(end.cause().unwrap().to_string(), "parent");
        });
    }
}

/// A tree, and a waker that does everything to it that user code could do.
#[test]
fn t9_a_waker_may_use_the_tree_that_wakes_it() {
    let root = Context::background().with_cancel();
    let child = root.with_cancel();
    let spare = Arc::new(Mutex::new(Some(child.with_cancel())));
    let visits = Arc::new(AtomicUsize::new(0));
    let visit = {
        let (ctx, canceller, visits) = (child.clone(), root.canceller(), Arc::clone(&visits));
        move || {
            assert!(ctx.is_cancelled());
            assert!(!canceller.cancel_with("too late"));
            assert!(ctx.with_cancel().is_cancelled());
            assert!(
                ctx.merge(&Context::background())
                    .with_value(&LEVEL, 1)
                    .is_cancelled()
            );
            Polled::new(ctx.done()).ready();
            drop(ctx.on_cancel(|_| ()));
            drop(spare.lock().unwrap().take());
            visits.fetch_add(1, Ordering::SeqCst);
        }
    };
    let on_drop = visit.clone();
    let mut waiter = pin!(child.done());
    {
        let waker = Nosy::waker(visit, on_drop);
        assert!(
            waiter
                .as_mut()
                .poll(&mut TaskContext::from_waker(&waker))
                .is_pending()
        );
    }
    let mut after = Polled::pending(child.done());
    assert!(root.cancel_with("first"));
    assert_eq!(visits.load(Ordering::SeqCst), 2);
    assert_eq!(after.woken(), 1);
    assert_eq!(after.ready().cause().unwrap().to_string(), "first");
}

#[test]
fn t9_a_waker_that_is_dropped_unwoken_may_use_the_tree() {
    let scope = Context::background().with_cancel();
    let drops = Arc::new(AtomicUsize::new(0));
    let nosy = || {
        let (ctx, canceller, drops) = (scope.clone(), scope.canceller(), Arc::clone(&drops));
        Nosy::waker(
            || (),
            move || {
                drop(ctx.with_cancel().with_cancel());
                assert!(Polled::new(ctx.done()).poll().is_ready() == ctx.is_cancelled());
                drops.fetch_add(1, Ordering::SeqCst);
                canceller.cancel();
            },
        )
    };
    let mut waiter = pin!(scope.done());
    assert!(
        waiter
            .as_mut()
            .poll(&mut TaskContext::from_waker(&nosy()))
            .is_pending()
    );
    // The second waker replaces the first, whose drop cancels the context that this poll waits for.
    let replacing = nosy();
    let _ = waiter
        .as_mut()
        .poll(&mut TaskContext::from_waker(&replacing));
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    assert!(
        waiter
            .as_mut()
            .poll(&mut TaskContext::from_waker(&replacing))
            .is_ready()
    );
}

#[test]
fn t9_a_waker_that_panics_harms_nobody_else() {
    let root = Context::background().with_cancel();
    let child = root.with_cancel();
    let mut before = Polled::pending(child.done());
    let waiters = (child.done(), root.done(), child.done());
    let mut panicking = [pin!(waiters.0), pin!(waiters.1), pin!(waiters.2)];
    for waiter in &mut panicking {
        let waker = Nosy::waker(
            || panic!("a waker's own panic"),
            || panic!("a waker's drop"),
        );
        assert!(
            waiter
                .as_mut()
                .poll(&mut TaskContext::from_waker(&waker))
                .is_pending()
        );
    }
    let mut after = [Polled::pending(child.done()), Polled::pending(root.done())];
    assert!(root.cancel());
    assert_eq!(before.woken(), 1);
    before.ready();
    for waiter in &mut after {
        assert_eq!(waiter.woken(), 1);
        waiter.ready();
    }
}

#[test]
fn t9_a_waiter_that_leaves_while_others_are_woken_harms_nobody() {
    let scope = Context::background().with_cancel();
    let neighbour = Arc::new(Mutex::new(Some(Polled::pending(scope.done_owned()))));
    let mut waiter = pin!(scope.done());
    let victim = Arc::clone(&neighbour);
    let waker = Nosy::waker(move || drop(victim.lock().unwrap().take()), || ());
    assert!(
        waiter
            .as_mut()
            .poll(&mut TaskContext::from_waker(&waker))
            .is_pending()
    );
    let last = Polled::pending(scope.done());
    scope.cancel();
    assert!(neighbour.lock().unwrap().is_none());
    assert_eq!(last.woken(), 1);
}

/// The walk is over when the first waker is called, so this holds the cancel in the middle of its work.
#[test]
fn t10_nobody_who_reads_waits_for_a_waker_at_work() {
    let root = Context::background().with_cancel();
    let child = root.with_cancel();
    let (entered, is_in) = mpsc::channel();
    let (release, go_on) = mpsc::channel::<()>();
    let go_on = Mutex::new(go_on);
    let waker = Nosy::waker(
        move || {
            entered.send(()).unwrap();
            go_on.lock().unwrap().recv().unwrap();
        },
        || (),
    );
    let mut waiter = pin!(child.done());
    assert!(
        waiter
            .as_mut()
            .poll(&mut TaskContext::from_waker(&waker))
            .is_pending()
    );
    let canceller = root.canceller();
    let cancel = thread::spawn(move || canceller.cancel());
    is_in.recv().unwrap();
    assert!(root.is_cancelled() && child.is_cancelled() && child.err().is_some());
    assert!(child.with_cancel().is_cancelled());
    assert!(!root.cancel(), "a second canceller is not held up either");
    release.send(()).unwrap();
    assert!(cancel.join().unwrap());
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

#[test]
fn t12_a_merge_descends_from_both() {
    for first in [true, false] {
        let (a, b) = (
            Context::background().with_cancel(),
            Context::background().with_cancel(),
        );
        let a_valued = a.with_value(&LEVEL, 1);
        let b_valued = b.with_value(&LEVEL, 2);
        let merged = a_valued.merge(&b_valued);
        let below = merged.with_cancel();
        let waiter = Polled::pending(below.done());
        assert_eq!(merged.value(&LEVEL), Some(&1));
        let (ended, other) = if first { (&a, &b) } else { (&b, &a) };
        ended.cancel_with("one");
        assert_eq!(waiter.woken(), 1);
        other.cancel_with("two");
        assert_eq!(cause(&merged), "one");
        assert_eq!(cause(&below), "one");
        assert_eq!(waiter.woken(), 1);
    }
}

#[test]
fn t12_ending_a_merge_ends_neither_side() {
    let (a, b) = (
        Context::background().with_cancel(),
        Context::background().with_cancel(),
    );
    let merged = a.merge(&b);
    assert!(merged.cancel());
    assert!(!a.is_cancelled() && !b.is_cancelled());
}

#[test]
fn t12_the_order_of_two_cancellations_is_kept_though_nobody_looked() {
    let (a, b) = (
        Context::background().with_cancel(),
        Context::background().with_cancel(),
    );
    let merged = a.merge(&b);
    b.cancel_with("b, first");
    a.cancel_with("a, second");
    assert_eq!(cause(&merged), "b, first");
    // But a merge that is made when both have ended has no order to keep.
    assert_eq!(cause(&a.merge(&b)), "a, second");
    assert_eq!(cause(&b.merge(&a)), "b, first");
}

#[tokio::test(start_paused = true)]
async fn t12_on_a_tie_of_deadlines_the_first_side_wins_whoever_was_read() {
    for read in 0..3 {
        let a = Context::background().with_timeout_cause(HOUR, "a");
        let b = Context::background().with_timeout_cause(HOUR, "b");
        let merged = a.merge(&b);
        assert_eq!(merged.deadline(), a.deadline());
        tokio::time::advance(HOUR).await;
        match read {
            0 => (),
            1 => assert_eq!(cause(&a), "a"),
            _ => assert_eq!(cause(&b), "b"),
        }
        assert_eq!(cause(&merged), "a");
        assert_eq!(
            merged.err().unwrap().cancelled_at(),
            a.err().unwrap().cancelled_at()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn t12_the_earlier_deadline_of_both_sides_governs() {
    let late = Context::background().with_timeout_cause(2 * HOUR, "late");
    let early = Context::background().with_timeout_cause(HOUR, "early");
    for merged in [late.merge(&early), early.merge(&late)] {
        assert_eq!(merged.deadline(), early.deadline());
        let _ = Polled::pending(merged.with_cancel().detach().done());
    }
    let merged = late.merge(&early);
    let mut waiter = Polled::pending(merged.done());
    tokio::time::advance(HOUR).await;
    assert_eq!(waiter.woken(), 1);
    assert_eq!(waiter.ready().cause().unwrap().to_string(), "early");
    assert!(!late.is_cancelled());
}

#[test]
fn t12_merging_with_itself_and_with_a_shield() {
    let a = Context::background().with_cancel();
    let twice = a.merge(&a);
    let shielded = a.merge(&a.without_cancel());
    let free = a.without_cancel().merge(&a.without_cancel());
    let waiter = Polled::pending(twice.done());
    drop(a.merge(&a));
    a.cancel_with("a");
    assert_eq!((cause(&twice), cause(&shielded)), ("a".into(), "a".into()));
    assert_eq!(waiter.woken(), 1);
    assert!(!free.is_cancelled());
    assert!(free.cancel());
}

#[test]
fn t12_a_diamond_of_merges_is_ended_once_per_waiter() {
    let root = Context::background().with_cancel();
    let mut layer = [root.with_cancel(), root.with_cancel()];
    let mut held = Vec::new();
    for _ in 0..20 {
        let next = [layer[0].merge(&layer[1]), layer[1].merge(&layer[0])];
        held.push(std::mem::replace(&mut layer, next));
    }
    let waiters = [
        Polled::pending(layer[0].done()),
        Polled::pending(layer[1].done()),
    ];
    root.cancel_with("root");
    assert!(waiters.iter().all(|it| it.woken() == 1));
    assert!(
        held.iter()
            .flatten()
            .chain(&layer)
            .all(|it| cause(it) == "root")
    );
}

/// One waiter's place is given to another: neither may be woken for the other.
#[test]
fn a_waiter_that_left_is_not_woken_and_others_are() {
    let scope = Context::background().with_cancel();
    let wakes: Vec<_> = (0..10).map(|_| Wakes::new()).collect();
    let mut waiters: Vec<_> = wakes.iter().map(|_| Some(scope.done())).collect();
    for (waiter, wakes) in waiters.iter_mut().zip(&wakes) {
        assert!(poll(waiter.as_mut().unwrap(), wakes).is_pending());
    }
    for index in [0, 3, 4, 9] {
        waiters[index] = None;
    }
    let mut newcomer = Polled::pending(scope.done());
    scope.cancel();
    let woken: Vec<_> = wakes.iter().map(|it| it.count()).collect();
    assert_eq!(woken, [0, 1, 1, 0, 0, 1, 1, 1, 1, 0]);
    assert_eq!(newcomer.woken(), 1);
    newcomer.ready();
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
