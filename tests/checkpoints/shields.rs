//! C3: shields and `between` hold, however deep they are and however they are polled.

use super::helpers::{Boxed, FreshWaker, GUARDS, ROOT, between, finish, gated, run};
use crate::support::Wakes;
use ctx::Context;
use futures::{FutureExt, StreamExt, future::join_all, stream::FuturesUnordered};
use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    task::Poll,
};

/// Cancels while a guarded future waits inside `build(guarded)` inside a checkpoint, and asks that it is
/// left alone until it is done; then, that the rest ends.
#[track_caller]
fn holds<F: Future>(build: impl Fn(Context, Boxed<()>) -> F) {
    holds_on(Context::clone, build);
}

/// The same with the guarded future on a context derived from the one that is cancelled.
#[track_caller]
fn holds_on<F: Future>(
    derive: impl Fn(&Context) -> Context,
    build: impl Fn(Context, Boxed<()>) -> F,
) {
    for guard in GUARDS {
        let scope = ROOT.with_cancel();
        let (gate, future) = gated();
        let derived = derive(&scope);
        let guarded = guard.put(&derived, future);
        let mut outer = Box::pin(scope.run_until_cancelled(build(derived, guarded)));
        let wakes = Wakes::new();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        scope.cancel();
        for _ in 0..3 {
            assert!(run(outer.as_mut(), &wakes).is_pending());
        }
        assert!(!gate.is_dropped(), "{guard:?}");
        let before = wakes.count();
        gate.open();
        assert!(wakes.count() > before, "{guard:?}");
        drop(finish(outer.as_mut(), &wakes));
        assert!(gate.polls() > 1, "{guard:?} was polled to its end");
    }
}

#[test]
fn c3_a_shield_holds_alone() {
    holds(|_scope, guarded| guarded);
}

#[test]
fn c3_a_shield_holds_in_join_all() {
    for others in [2, 40] {
        holds(|scope, guarded| async move {
            let waits =
                (0..others).map(|_| scope.run_until_cancelled(pending::<()>()).map(drop).boxed());
            join_all(waits.chain([guarded])).await;
        });
    }
}

#[test]
fn c3_a_shield_holds_in_futures_unordered() {
    holds(|scope, guarded| async move {
        let wait = scope.run_until_cancelled(pending::<()>()).map(drop).boxed();
        let mut all = FuturesUnordered::from_iter([wait, guarded]);
        while all.next().await.is_some() {}
    });
}

#[test]
fn c3_a_shield_holds_in_select_beside_a_checkpoint_that_ends() {
    holds(|scope, mut guarded| async move {
        tokio::select! {
            result = scope.run_until_cancelled(pending::<()>()) => assert!(result.is_err()),
            () = &mut guarded => return,
        }
        guarded.await;
    });
}

#[test]
fn c3_a_shield_holds_in_join_beside_an_unguarded_wait() {
    holds(|_scope, guarded| async move {
        futures::join!(guarded, pending::<()>()).0;
    });
}

#[test]
fn c3_a_shield_holds_under_new_wakers() {
    holds(|_scope, guarded| FreshWaker::new(guarded));
}

#[test]
fn c3_a_shield_holds_at_every_depth() {
    holds_on(
        |scope| (0..100).fold(scope.clone(), |ctx, _| ctx.with_cancel().detach()),
        |ctx, guarded| {
            (0..100).fold(guarded, |deep, depth| {
                let guarded = ctx.run_until_cancelled_owned(deep);
                if depth % 10 == 0 {
                    FuturesUnordered::from_iter([guarded])
                        .collect::<Vec<_>>()
                        .map(drop)
                        .boxed()
                } else {
                    guarded.map(drop).boxed()
                }
            })
        },
    );
}

#[test]
fn c3_a_shield_holds_in_odd_orders() {
    let (wide, unrelated) = (ROOT.with_cancel(), ROOT.with_cancel());
    holds_on(
        |scope| scope.merge(&wide).detach(),
        |narrow, guarded| {
            let guarded = narrow.run_until_cancelled_owned(guarded);
            let guarded = wide.run_until_cancelled_owned(guarded);
            let guarded = unrelated.run_until_cancelled_owned(guarded);
            narrow.run_until_cancelled_owned(guarded)
        },
    );
}

#[test]
fn c3_a_shield_holds_through_both_sides_of_a_merge() {
    for left in [true, false] {
        for guard in GUARDS {
            let (scope, other) = (ROOT.with_cancel(), ROOT.with_cancel());
            let merged = if left {
                scope.merge(&other)
            } else {
                other.merge(&scope)
            };
            let (gate, future) = gated();
            let mut outer = pin!(scope.run_until_cancelled(guard.put(&merged, future)));
            let wakes = Wakes::new();
            assert!(run(outer.as_mut(), &wakes).is_pending());
            scope.cancel();
            assert!(run(outer.as_mut(), &wakes).is_pending());
            assert!(!gate.is_dropped());
        }
    }
}

#[test]
fn c3_a_shield_that_is_not_polled_holds() {
    for guard in GUARDS {
        let scope = ROOT.with_cancel();
        let (gate, future) = gated();
        let mut guarded = guard.put(&scope, future);
        let mut first = true;
        let mut outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
            if std::mem::take(&mut first) {
                return guarded.as_mut().poll(cx);
            }
            Poll::Pending
        })));
        let wakes = Wakes::new();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        scope.cancel();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        assert!(!gate.is_dropped());
    }
}

#[test]
fn c3_a_shield_in_a_shield_holds_through_both() {
    let scope = ROOT.with_cancel();
    let (gate, future) = gated();
    let shield = scope.without_cancel();
    let inside = shield.with_cancel();
    let innermost = inside.without_cancel();
    let waits = inside.run_until_cancelled(innermost.run_until_cancelled(future));
    let mut outer = pin!(scope.run_until_cancelled(shield.run_until_cancelled(waits)));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    inside.cancel();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    gate.open();
    assert!(matches!(finish(outer, &wakes), Ok(Ok(Ok(Ok(()))))));
}

#[test]
fn c3_a_scope_inside_a_shield_ends_by_itself() {
    let scope = ROOT.with_cancel();
    let grace = scope.without_cancel().with_cancel();
    let (gate, future) = gated();
    let mut outer = pin!(scope.run_until_cancelled(grace.run_until_cancelled(future)));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    assert!(!gate.is_dropped());
    let before = wakes.count();
    grace.cancel();
    assert_eq!(wakes.count() - before, 1);
    assert!(matches!(finish(outer, &wakes), Ok(Err(_))));
}

#[test]
fn c3_a_checkpoint_inside_between_fires_and_the_call_goes_on() {
    let scope = ROOT.with_cancel();
    let (gate, cleanup) = gated();
    let call = between(&scope, async {
        let error = scope.run_until_cancelled(pending::<()>()).await.is_err();
        cleanup.await;
        error
    });
    let mut outer = pin!(scope.run_until_cancelled(call));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    gate.open();
    assert!(finish(outer, &wakes).unwrap().unwrap());
}
