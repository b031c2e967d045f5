//! C3 where a hold is given back, or left to others.

use super::helpers::{
    Boxed, FreshWaker, GUARDS, Gate, Guard, ROOT, Slot, finish, gated, run, waiting, with_each_poll,
};
use crate::support::{Wakes, poll_pinned};
use ctx::{CancelScope, Context};
use futures::{FutureExt, future::select};
use std::{
    future::{Future, pending, poll_fn, ready},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    thread,
};

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
