//! S1 and S2: a scope ends with its owner. What it costs (S1) is in `allocations`.

use crate::support::{HOUR, Polled, cause};
use ctx::{Context, Reason, Trigger};
use std::panic;

ctx::ctx_value! { KEY: u8; }

#[test]
fn s1_dropping_a_scope_cancels_it() {
    let root = Context::background().with_cancel();
    let line = line!() + 1;
    let scope = root.with_cancel();
    let (clone, child, canceller) = (scope.clone(), scope.with_timeout(HOUR), scope.canceller());
    let mut waiter = Polled::pending(child.done());
    drop(scope);
    assert_eq!(waiter.woken(), 1);
    assert_eq!(waiter.ready().trigger(), Trigger::Dropped);
    for ctx in [&clone, &*child] {
        let end = ctx.err().unwrap();
        assert_eq!(end.reason(), Reason::Cancelled);
        assert_eq!(end.cancelled_at().line(), line);
    }
    assert!(!canceller.cancel() && !root.is_cancelled());
}

#[test]
fn s1_dropping_after_a_call_changes_nothing() {
    let scope = Context::background().with_cancel();
    let clone = scope.clone();
    scope.cancel_with("call");
    drop(scope);
    assert_eq!(cause(&clone), "call");
    assert_eq!(clone.err().unwrap().trigger(), Trigger::Call);
}

#[test]
fn s1_a_panic_ends_the_scopes_it_passes() {
    let root = Context::background().with_cancel();
    let caught = panic::catch_unwind(|| {
        let scope = root.with_cancel();
        panic::resume_unwind(Box::new(scope.clone()));
    });
    let clone = caught.unwrap_err().downcast::<Context>().unwrap();
    assert_eq!(clone.err().unwrap().trigger(), Trigger::Dropped);
}

#[tokio::test(start_paused = true)]
async fn s1_a_detached_scope_lives_until_its_parent_or_deadline_ends_it() {
    let root = Context::background().with_cancel();
    let detached = root.with_cancel().detach();
    let timed = root.with_timeout(HOUR).detach();
    let scope = root.with_cancel();
    let canceller = scope.canceller();
    let cancellable = scope.detach();
    assert!(!detached.is_cancelled() && !timed.is_cancelled());
    assert!(canceller.cancel());
    assert!(cancellable.is_cancelled());
    tokio::time::advance(HOUR).await;
    assert!(timed.is_cancelled() && !detached.is_cancelled());
    root.cancel();
    assert!(detached.is_cancelled());
}

#[test]
fn s1_scopes_may_be_dropped_in_any_order() {
    let scopes = || {
        let root = Context::background().with_cancel();
        let middle = root.with_timeout(HOUR);
        let merged = middle.merge(&root);
        let leaf = merged.with_cancel();
        [root, middle, merged, leaf]
    };
    for order in 0..256_usize {
        let mut held = scopes().map(Some);
        let watch = held
            .each_ref()
            .map(|it| it.as_ref().map(|it| it.done_owned()));
        let _waiting = watch.map(|it| Polled::pending(it.unwrap()));
        // Two bits for each step: all 24 orders are among these, and many with a step twice.
        for step in 0..4 {
            held[order >> (2 * step) & 3] = None;
        }
        let dropped_above = |index: usize| held[..index].iter().any(Option::is_none);
        for (index, scope) in held.iter().enumerate() {
            assert!(
                scope
                    .as_ref()
                    .is_none_or(|it| it.is_cancelled() == dropped_above(index))
            );
        }
    }
}

#[test]
fn s2_a_temporary_scope_ends_with_its_statement() {
    let root = Context::background();
    let wrong = root.with_timeout(HOUR).with_value(&KEY, 1);
    let report = wrong.err().unwrap().report().to_string();
    assert!(
        report.contains(file!()) && report.ends_with("(was it a temporary?)"),
        "{report}"
    );
    assert_eq!(wrong.value(&KEY), Some(&1));
    let right = root.with_value(&KEY, 1).with_timeout(HOUR);
    assert!(!right.is_cancelled());
}
