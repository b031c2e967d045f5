//! T1, T2, T5 and T6: whom an end reaches, and which of several ends it is.

use super::LEVEL;
use crate::support::{HOUR, Polled, cause};
use ctx::{CancelScope, Context, Reason, Trigger};
use std::{sync::Barrier, thread, time::Duration};

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
