//! T12: what descends from two.

use super::LEVEL;
use crate::support::{HOUR, Polled, cause};
use ctx::Context;

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
