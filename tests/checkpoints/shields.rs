//! C3: shields and `between` hold, however deep they are and however they are polled.

use super::helpers::{
    Boxed, FreshWaker, Gate, Gated, ROOT, Slot, between, finish, gated, run, waiting,
    with_each_poll,
};
use crate::support::{Wakes, poll_pinned};
use ctx::{CancelScope, Context};
use futures::{
    FutureExt, StreamExt,
    future::{join_all, select},
    stream::FuturesUnordered,
};
use std::{
    future::{Future, pending, poll_fn, ready},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    thread,
};

/// The two kinds of futures that must not be dropped.
#[derive(Clone, Copy, Debug)]
enum Guard {
    Shield,
    Between,
}

const GUARDS: [Guard; 2] = [Guard::Shield, Guard::Between];

impl Guard {
    fn put(self, ctx: &Context, future: Gated) -> Boxed<()> {
        let ctx = ctx.clone();
        match self {
            Guard::Shield => {
                let guarded = ctx.without_cancel().run_until_cancelled_owned(future);
                Box::pin(async { guarded.await.unwrap() })
            }
            Guard::Between => Box::pin(async move { between(&ctx, future).await.unwrap() }),
        }
    }
}

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

/// A checkpoint whose future polled a shield once, and the shield in the hands of somebody else.
fn held(
    scope: &CancelScope,
) -> (
    Pin<Box<impl Future<Output = bool> + use<>>>,
    Gate,
    Boxed<()>,
) {
    let (gate, future) = gated();
    let slot = Slot::new(Guard::Shield.put(scope, future));
    let waits = scope.run_until_cancelled_owned(slot.future());
    let mut outer = Box::pin(async { waits.await.is_err() });
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    (outer, gate, slot.take())
}

#[test]
fn c3_a_hold_given_back_elsewhere_wakes_the_outer() {
    for end in 0..3 {
        let scope = ROOT.with_cancel();
        let (mut outer, gate, mut shield) = held(&scope);
        let wakes = Wakes::new();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        scope.cancel();
        assert_eq!(wakes.count(), 0, "it could do nothing");
        assert!(run(outer.as_mut(), &wakes).is_pending());
        match end {
            0 => drop(shield),
            1 => {
                gate.open();
                finish(shield.as_mut(), &Wakes::new());
            }
            _ => {
                gate.open();
                let elsewhere = thread::spawn(move || finish(shield.as_mut(), &Wakes::new()));
                elsewhere.join().unwrap();
            }
        }
        assert_eq!(wakes.count(), 1);
        assert!(finish(outer.as_mut(), &wakes));
    }
}

#[test]
fn c3_a_hold_given_back_on_a_live_context_wakes_the_outer_which_waits_again() {
    let scope = ROOT.with_cancel();
    let (mut outer, _gate, shield) = held(&scope);
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    drop(shield);
    assert_eq!(wakes.count(), 1, "somebody must look");
    assert!(run(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert_eq!(wakes.count(), 2);
    assert!(finish(outer.as_mut(), &wakes));
}

#[test]
fn c3_dropping_a_held_outer_one_wakes_nobody() {
    for guard in GUARDS {
        let scope = ROOT.with_cancel();
        let (gate, future) = gated();
        let middle = scope.run_until_cancelled_owned(guard.put(&scope, future));
        let mut outer = Box::pin(scope.run_until_cancelled(middle));
        let wakes = Wakes::new();
        assert!(run(outer.as_mut(), &wakes).is_pending());
        drop(outer);
        assert!(gate.is_dropped());
        assert_eq!(wakes.count(), 0);
    }
}

#[test]
fn c3_a_shield_that_ends_in_the_outers_poll_wakes_nobody() {
    let scope = ROOT.with_cancel();
    let (gate, future) = gated();
    let mut outer = pin!(scope.run_until_cancelled(async {
        Guard::Shield.put(&scope, future).await;
        pending::<()>().await;
    }));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    gate.open();
    assert_eq!(wakes.count(), 1);
    assert!(run(outer.as_mut(), &wakes).is_pending());
    assert_eq!(wakes.count(), 1);
    scope.cancel();
    assert_eq!(wakes.count(), 2, "the outer one waits now");
    assert!(finish(outer, &wakes).is_err());
}

#[test]
fn c3_a_shared_shield_holds_every_task_that_polled_it() {
    let scope = ROOT.with_cancel();
    let (gate, future) = gated();
    let shared = Guard::Shield.put(&scope, future).shared();
    let mut here = Box::pin(scope.run_until_cancelled(shared.clone()));
    let mut there = Box::pin(scope.run_until_cancelled(shared));
    let (mine, yours) = (Wakes::new(), Wakes::new());
    assert!(run(here.as_mut(), &mine).is_pending());
    assert!(run(there.as_mut(), &yours).is_pending());
    scope.cancel();
    assert!(run(here.as_mut(), &mine).is_pending());
    assert!(run(there.as_mut(), &yours).is_pending());
    drop(here);
    assert!(!gate.is_dropped());
    assert!(run(there.as_mut(), &yours).is_pending());
    gate.open();
    assert!(finish(there.as_mut(), &yours).is_ok());
}

#[test]
fn c3_a_shield_that_meets_many_outer_ones_forgets_the_gone() {
    let scope = ROOT.with_cancel();
    let (gate, future) = gated();
    let mut shield = Guard::Shield.put(&scope, future);
    let wakes = Wakes::new();
    // Each round has a checkpoint of its own around the same shield, as a `select!` in a loop has.
    let mut rounds = pin!(async {
        for _ in 0..10_000 {
            scope
                .run_until_cancelled(select(&mut shield, ready(())))
                .await
                .unwrap();
        }
        shield.await;
    });
    assert!(run(rounds.as_mut(), &wakes).is_pending());
    assert_eq!(wakes.count(), 0);
    gate.open();
    finish(rounds, &wakes);
}

#[test]
fn c3_a_panic_after_a_shield_was_polled_leaves_it_to_its_owner() {
    let scope = ROOT.with_cancel();
    let (gate, future) = gated();
    let mut shield = Guard::Shield.put(&scope, future);
    let arm = Arc::new(());
    let wakes = Wakes::new();
    {
        let armed = Arc::clone(&arm);
        let inside = async {
            futures::join!(
                &mut shield,
                with_each_poll(move || {
                    assert!(Arc::strong_count(&armed) > 9, "as intended");
                })
            )
        };
        let outer = std::panic::AssertUnwindSafe(scope.run_until_cancelled(inside)).catch_unwind();
        assert!(finish(pin!(outer), &wakes).is_err());
    }
    assert!(run(shield.as_mut(), &wakes).is_pending());
    scope.cancel();
    gate.open();
    finish(shield.as_mut(), &wakes);
}

/// A shielded one was polled by another one on its own context, which is over, as the branch of a `select!` may
/// be. It holds those around it until it is over itself, polled or not.
#[track_caller]
fn holds_when_it_was_left(shield: impl Fn(&Context) -> Context, other_waker: bool) {
    let scope = ROOT.with_cancel();
    let shield = shield(&scope);
    let (first, unguarded) = gated();
    let (gate, future) = gated();
    let mut outer = Box::pin(scope.run_until_cancelled(async {
        let mut guarded = Box::pin(shield.run_until_cancelled(future));
        let looks = shield.run_until_cancelled(poll_fn(|cx| {
            assert!(guarded.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        }));
        if other_waker {
            FreshWaker::new(looks).await.unwrap();
        } else {
            looks.await.unwrap();
        }
        unguarded.await;
        guarded.await
    }));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    assert!(!gate.is_dropped());
    first.open();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    gate.open();
    assert!(finish(outer.as_mut(), &wakes).is_ok());
}

#[test]
fn c3_a_shield_holds_when_another_one_on_its_context_has_polled_it_and_is_over() {
    for other_waker in [false, true] {
        holds_when_it_was_left(Context::without_cancel, other_waker);
        holds_when_it_was_left(|it| it.without_cancel().with_cancel().detach(), other_waker);
    }
}

/// It is polled by somebody else meanwhile, whom it holds too.
#[test]
fn c3_a_shield_that_is_polled_elsewhere_holds_those_who_polled_it_before() {
    for elsewhere in [None, Some(ROOT.with_cancel())] {
        let scope = ROOT.with_cancel();
        let (wakes, others) = (Wakes::new(), Wakes::new());
        let slot = Slot::new(waiting(&scope.without_cancel()));
        let mut outer = pin!(scope.run_until_cancelled(slot.future()));
        assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
        for _ in 0..2 {
            let mut inner = slot.future();
            match &elsewhere {
                None => assert!(poll_pinned(pin!(inner), &others).is_pending()),
                Some(other) => {
                    let around = pin!(other.run_until_cancelled(&mut inner));
                    assert!(poll_pinned(around, &others).is_pending());
                }
            }
        }
        let inner = slot.take();
        scope.cancel();
        assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
        drop(inner);
        assert!(poll_pinned(outer.as_mut(), &wakes).is_ready());
    }
}

/// Whoever answers one behind a shield answers nobody further out, who is held by it, and owes him nothing.
#[test]
fn c8_one_behind_a_shield_owes_nobody_beyond_the_nearest() {
    let scope = ROOT.with_cancel();
    let a = scope.without_cancel().with_cancel();
    let b = a.with_cancel();
    let c = b.with_cancel();
    let wakes = Wakes::new();
    let (gate, gated) = gated();
    let mut gated = Box::pin(c.run_until_cancelled_owned(gated));
    let mut done = false;
    let near = Slot::new(b.run_until_cancelled(poll_fn(move |cx| {
        done = done || gated.as_mut().poll(cx).is_ready();
        Poll::<()>::Pending
    })));
    let far = a.run_until_cancelled(near.future());
    let mut outer = Box::pin(scope.run_until_cancelled(far));
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    let mut near = near.take();
    assert!(poll_pinned(near.as_mut(), &wakes).is_pending());
    assert_eq!(wakes.count(), 0);
    gate.open();
    let before = wakes.count();
    assert!(poll_pinned(near.as_mut(), &wakes).is_pending());
    assert_eq!(wakes.count(), before, "needless");
}
