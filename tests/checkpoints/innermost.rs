//! C3: which of the checkpoints around a wait decides.

use super::helpers::{FreshWaker, ROOT, Slot, finish, gated, run};
use crate::support::{Wakes, poll_pinned};
use ctx::{CancelScope, Cancelled, Context, ctx_value, with_context};
use futures::{FutureExt, future::LocalBoxFuture};
use std::{
    cell::Cell,
    future::{Future, pending, poll_fn, ready},
    panic::AssertUnwindSafe,
    pin::pin,
    task::Poll,
};

ctx_value! { COLOUR: u32; }

/// Who gives up when `end` is called while a checkpoint on `inner` waits in one on `outer`.
#[track_caller]
fn decides(outer: &Context, inner: &Context, end: impl FnOnce()) -> &'static str {
    let inside = inner.run_until_cancelled(pending::<()>());
    let mut waits = pin!(outer.run_until_cancelled(inside));
    let wakes = Wakes::new();
    assert!(run(waits.as_mut(), &wakes).is_pending());
    end();
    assert_eq!(
        wakes.count(),
        1,
        "one of them waits, and wakes the task once"
    );
    match finish(waits, &wakes) {
        Ok(Err(_)) => "inner",
        Ok(Ok(())) => "nobody",
        Err(_) => "outer",
    }
}

fn cancel(scope: &CancelScope) -> impl FnOnce() {
    || assert!(scope.cancel())
}

#[test]
fn c3_the_inner_one_decides_on_the_same_context() {
    let scope = ROOT.with_cancel();
    assert_eq!(decides(&scope, &scope, cancel(&scope)), "inner");
}

#[test]
fn c3_the_inner_one_decides_on_a_derived_context() {
    let scope = ROOT.with_cancel();
    let derived = scope.with_cancel().detach().with_cancel();
    assert_eq!(decides(&scope, &derived, cancel(&scope)), "inner");
    let scope = ROOT.with_cancel();
    let derived = scope.with_cancel();
    assert_eq!(decides(&scope, &derived, cancel(&derived)), "inner");
}

#[test]
fn c3_values_change_nothing() {
    let scope = ROOT.with_cancel();
    let inner = scope.with_value(&COLOUR, 1).with_value(&COLOUR, 2);
    assert_eq!(decides(&scope, &inner, cancel(&scope)), "inner");
    let scope = ROOT.with_cancel();
    let outer = scope.with_value(&COLOUR, 1);
    assert_eq!(decides(&outer, &scope, cancel(&scope)), "inner");
}

#[test]
fn c3_a_merge_descends_from_both_sides() {
    for left in [true, false] {
        let (outer, other) = (ROOT.with_cancel(), ROOT.with_cancel());
        let merged = if left {
            outer.merge(&other)
        } else {
            other.merge(&outer)
        };
        assert_eq!(decides(&outer, &merged, cancel(&outer)), "inner");
        let (outer, other) = (ROOT.with_cancel(), ROOT.with_cancel());
        let merged = if left {
            outer.merge(&other)
        } else {
            other.merge(&outer)
        };
        let below = merged.with_value(&COLOUR, 1).with_cancel();
        assert_eq!(decides(&outer, &below, cancel(&other)), "inner");
    }
}

#[test]
fn c3_the_outer_one_decides_around_a_wider_context() {
    let wide = ROOT.with_cancel();
    let narrow = wide.with_cancel();
    assert_eq!(decides(&narrow, &wide, cancel(&narrow)), "outer");
    let (narrow, other) = (ROOT.with_cancel(), ROOT.with_cancel());
    let merged = narrow.merge(&other);
    assert_eq!(decides(&merged, &other, cancel(&narrow)), "outer");
}

#[test]
fn c3_unrelated_contexts_decide_for_themselves() {
    let (outer, inner) = (ROOT.with_cancel(), ROOT.with_cancel());
    assert_eq!(decides(&outer, &inner, cancel(&inner)), "inner");
    let (outer, inner) = (ROOT.with_cancel(), ROOT.with_cancel());
    assert_eq!(decides(&outer, &inner, cancel(&outer)), "outer");
    let outer = ROOT.with_cancel();
    assert_eq!(decides(&outer, &ROOT, cancel(&outer)), "outer");
    let outer = ROOT.with_cancel();
    assert_eq!(
        decides(&outer, &ROOT.without_cancel(), cancel(&outer)),
        "outer"
    );
}

#[test]
fn c3_behind_a_wider_or_unrelated_one_the_innermost_still_decides() {
    let (wide, unrelated) = (ROOT.with_cancel(), ROOT.with_cancel());
    for middle in [&wide, &unrelated] {
        let narrow = wide.with_cancel();
        let inside = narrow.run_until_cancelled(pending::<()>());
        let inside = middle.run_until_cancelled(inside);
        let mut waits = pin!(narrow.run_until_cancelled(inside));
        let wakes = Wakes::new();
        assert!(run(waits.as_mut(), &wakes).is_pending());
        assert_eq!(wakes.count(), 0);
        narrow.cancel();
        let outcome = finish(waits, &wakes);
        assert!(matches!(outcome, Ok(Ok(Err(_)))));
    }
}

#[test]
fn c3_errors_travel_up_and_gather_context() {
    async fn layer(ctx: Context, depth: u32) -> Result<(), String> {
        let next: LocalBoxFuture<'_, Result<(), String>> = if depth == 0 {
            let owned = ctx.run_until_cancelled_owned(pending::<()>());
            Box::pin(async { owned.await.map_err(|it| it.to_string()) })
        } else {
            Box::pin(layer(ctx.with_cancel().detach(), depth - 1))
        };
        let result = ctx.run_until_cancelled(next).await;
        let result = result.map_err(|_| format!("layer {depth} was dropped"))?;
        result.map_err(|it| format!("{depth}: {it}"))
    }
    let scope = ROOT.with_cancel();
    let mut waits = pin!(layer(scope.clone(), 4));
    let wakes = Wakes::new();
    assert!(run(waits.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert_eq!(
        finish(waits, &wakes).unwrap_err(),
        "4: 3: 2: 1: 0: context cancelled"
    );
}

#[test]
fn c3_code_after_the_inner_error_can_clean_up() {
    let scope = ROOT.with_cancel();
    let (cleaned, cleaning) = gated();
    let mut waits = pin!(scope.run_until_cancelled(async {
        let error = scope
            .run_until_cancelled(pending::<()>())
            .await
            .unwrap_err();
        let shield = scope.without_cancel();
        shield.run_until_cancelled(cleaning).await.unwrap();
        error
    }));
    let wakes = Wakes::new();
    assert!(run(waits.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(run(waits.as_mut(), &wakes).is_pending());
    assert_eq!(cleaned.polls(), 1);
    cleaned.open();
    assert!(finish(waits, &wakes).is_ok());
}

#[test]
fn c3_a_cleanup_that_waits_unguarded_is_given_up_by_the_outer_one() {
    let scope = ROOT.with_cancel();
    let mut waits = pin!(scope.run_until_cancelled(async {
        drop(scope.run_until_cancelled(pending::<()>()).await);
        pending::<()>().await;
    }));
    let wakes = Wakes::new();
    assert!(run(waits.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(finish(waits, &wakes).is_err());
}

#[with_context]
async fn hears_of_an_end(heard: &Cell<bool>) -> Result<(), Cancelled> {
    let cancelled = ctx.done().await;
    heard.set(true);
    Err(cancelled)
}

#[with_context]
async fn hears_of_any_end(heard: &Cell<bool>) -> Result<(), Cancelled> {
    #[checkpoints(none)]
    let cancelled = ctx.done().await;
    heard.set(true);
    Err(cancelled)
}

/// C1 goes before what `done` has to say: it is not polled. C2: where it is polled, its result wins.
#[test]
fn c1_an_await_of_done_hears_of_an_earlier_end_where_it_is_no_checkpoint() {
    for ended_before in [false, true] {
        for checkpoint in [false, true] {
            let (scope, heard, wakes) = (ROOT.with_cancel(), Cell::new(false), Wakes::new());
            if ended_before {
                scope.cancel();
            }
            let mut listener: LocalBoxFuture<'_, _> = if checkpoint {
                Box::pin(hears_of_an_end(&scope, &heard))
            } else {
                Box::pin(hears_of_any_end(&scope, &heard))
            };
            assert_eq!(run(listener.as_mut(), &wakes).is_ready(), ended_before);
            if !ended_before {
                scope.cancel();
                assert!(run(listener.as_mut(), &wakes).is_ready());
            }
            assert_eq!(heard.get(), !(ended_before && checkpoint));
        }
    }
}

#[test]
fn c3_done_is_a_signal_and_no_checkpoint() {
    let scope = ROOT.with_cancel();
    let mut waits = pin!(scope.run_until_cancelled(async {
        scope.done().await;
        pending::<()>().await;
    }));
    let wakes = Wakes::new();
    assert!(run(waits.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(finish(waits, &wakes).is_err(), "done() held nobody back");
}

#[test]
fn c3_an_inner_one_that_was_only_made_or_is_over_does_not_answer() {
    let scope = ROOT.with_cancel();
    let never_polled = scope.run_until_cancelled(pending::<()>());
    let mut waits = pin!(scope.run_until_cancelled(async {
        scope.run_until_cancelled(ready(())).await.unwrap();
        pending::<()>().await;
    }));
    let wakes = Wakes::new();
    assert!(crate::support::poll_pinned(waits.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(matches!(
        crate::support::poll_pinned(waits.as_mut(), &wakes),
        Poll::Ready(Err(_))
    ));
    drop(never_polled);
}

#[test]
fn c3_siblings_in_a_join_each_decide() {
    let scope = ROOT.with_cancel();
    let wait = || scope.run_until_cancelled(pending::<()>());
    let mut waits =
        pin!(scope.run_until_cancelled(async { futures::join!(wait(), wait(), wait()) }));
    let wakes = Wakes::new();
    assert!(run(waits.as_mut(), &wakes).is_pending());
    scope.cancel();
    let (a, b, c) = finish(waits, &wakes).expect("the inner ones decide");
    assert!(a.is_err() && b.is_err() && c.is_err());
}

#[test]
fn c3_a_sibling_without_a_checkpoint_goes_on_until_the_others_gave_up() {
    let scope = ROOT.with_cancel();
    let (gate, unguarded) = gated();
    let mut waits = pin!(scope.run_until_cancelled(async {
        futures::join!(scope.run_until_cancelled(pending::<()>()), unguarded)
    }));
    let wakes = Wakes::new();
    assert!(run(waits.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(
        finish(waits, &wakes).is_err(),
        "nobody inside waits on the context any more"
    );
    assert!(gate.is_dropped());
}

#[test]
fn c3_the_innermost_decides_under_a_new_waker_for_every_poll() {
    let scope = ROOT.with_cancel();
    let inside = FreshWaker::new(scope.run_until_cancelled(pending::<()>()));
    let inside = FreshWaker::new(scope.run_until_cancelled(inside));
    let mut waits = pin!(scope.run_until_cancelled(inside));
    let wakes = Wakes::new();
    for _ in 0..10 {
        assert!(run(waits.as_mut(), &wakes).is_pending());
    }
    assert_eq!(wakes.count(), 0);
    scope.cancel();
    assert!(matches!(finish(waits, &wakes), Ok(Ok(Err(_)))));
}

/// Waits on `inner` inside a checkpoint on `outer`, and cancels `end` in the poll in which both start, when
/// the inner one has just stayed pending.
fn ends_in_the_poll<F, T>(outer: &Context, inner: F, end: &CancelScope) -> Result<T, Cancelled>
where
    F: Future<Output = T>,
{
    let late = poll_fn(|_| Poll::Ready(end.cancel()));
    let both = async { futures::join!(inner, late).0 };
    finish(pin!(outer.run_until_cancelled(both)), &Wakes::new())
}

#[test]
fn c3_a_context_that_ends_in_the_middle_of_the_poll_surfaces_inside() {
    let scope = ROOT.with_cancel();
    let inner = scope.run_until_cancelled(pending::<()>());
    assert!(matches!(
        ends_in_the_poll(&scope, inner, &scope),
        Ok(Err(_))
    ));
}

#[test]
fn c3_it_surfaces_inside_behind_another_waker_too() {
    let scope = ROOT.with_cancel();
    let inner = FreshWaker::new(scope.run_until_cancelled(pending::<()>()));
    assert!(matches!(
        ends_in_the_poll(&scope, inner, &scope),
        Ok(Err(_))
    ));
}

#[test]
fn c3_it_surfaces_inside_behind_a_wider_checkpoint_too() {
    let wide = ROOT.with_cancel();
    let narrow = wide.with_cancel();
    let inner = wide.run_until_cancelled(narrow.run_until_cancelled(pending::<()>()));
    assert!(matches!(
        ends_in_the_poll(&narrow, inner, &narrow),
        Ok(Ok(Err(_)))
    ));
}

#[test]
fn c3_it_surfaces_inside_after_a_panic_of_another_checkpoint_too() {
    let scope = ROOT.with_cancel();
    let derived = scope.with_cancel();
    let inner = async {
        let panics = derived.run_until_cancelled(async { panic!("as intended") });
        assert!(AssertUnwindSafe(panics).catch_unwind().await.is_err());
        scope.run_until_cancelled(pending::<()>()).await
    };
    assert!(matches!(
        ends_in_the_poll(&scope, inner, &scope),
        Ok(Err(_))
    ));
}

#[tokio::test]
async fn c3_the_innermost_decides_behind_another_waker_in_every_task() {
    for _ in 0..3 {
        let task = tokio::spawn(async {
            let scope = ROOT.with_cancel();
            let inner = FreshWaker::new(scope.run_until_cancelled(pending::<()>()));
            matches!(ends_in_the_poll(&scope, inner, &scope), Ok(Err(_)))
        });
        assert!(task.await.unwrap());
    }
}

#[test]
fn c3_the_innermost_answers_the_outermost_though_the_middle_ones_are_over() {
    let (narrow, unrelated) = (ROOT.with_cancel(), ROOT.with_cancel());
    let inner = Slot::new(narrow.run_until_cancelled_owned(pending::<()>()));
    let mut middle = Box::pin(
        unrelated.run_until_cancelled(narrow.run_until_cancelled(poll_fn(|cx| {
            assert!(pin!(inner.future()).poll(cx).is_pending());
            Poll::Ready(())
        }))),
    );
    let mut first = true;
    let mut outer = pin!(narrow.run_until_cancelled(poll_fn(|cx| {
        if std::mem::take(&mut first) {
            assert!(middle.as_mut().poll(cx).is_ready());
            narrow.cancel();
            return Poll::Pending;
        }
        pin!(inner.future()).poll(cx).map(|it| it.is_err())
    })));
    let wakes = Wakes::new();
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    assert!(matches!(finish(outer, &wakes), Ok(true)));
}

/// A middle one is ready and leaves its inner one behind, in a poll in which the outer context ends. Those
/// around it look once more before they decide, and so the inner one does.
#[track_caller]
fn is_left_behind_and_decides(on_another: bool, other_waker: bool) {
    for around in 1..4 {
        let outer = &ROOT.with_cancel();
        let derived = outer.with_cancel();
        let middle = if on_another { &derived } else { outer };
        let inner = Slot::new(middle.run_until_cancelled_owned(pending::<()>()));
        let passes = middle.run_until_cancelled(poll_fn(|cx| {
            assert!(pin!(inner.future()).poll(cx).is_pending());
            Poll::Ready(())
        }));
        let mut passes: LocalBoxFuture<'_, _> = if other_waker {
            Box::pin(FreshWaker::new(passes))
        } else {
            Box::pin(passes)
        };
        let mut first = true;
        let mut waits: LocalBoxFuture<'_, bool> = Box::pin(poll_fn(|cx| {
            if std::mem::take(&mut first) {
                assert!(passes.as_mut().poll(cx).is_ready());
                outer.cancel();
                return Poll::Pending;
            }
            pin!(inner.future()).poll(cx).map(|it| it.is_err())
        }));
        for _ in 0..around {
            let inside = outer.run_until_cancelled(waits);
            waits = Box::pin(async { matches!(inside.await, Ok(true)) });
        }
        let decided = finish(waits.as_mut(), &Wakes::new());
        assert!(decided, "around: {around}");
    }
}

#[test]
fn c3_the_innermost_decides_though_a_middle_one_behind_another_waker_is_over() {
    is_left_behind_and_decides(false, true);
}

#[test]
fn c3_the_innermost_decides_though_a_middle_one_on_a_derived_context_is_over() {
    is_left_behind_and_decides(true, false);
    is_left_behind_and_decides(true, true);
}
