//! C3 and C8 where a future panics, somebody catches that, and the checkpoint is used on.

use super::helpers::{Nest, ROOT, Slot, chain, finish, run};
use crate::support::{Wakes, poll_pinned};
use futures::FutureExt;
use std::{
    cell::Cell,
    future::{Future, pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

/// Polls a future that is to panic.
#[track_caller]
fn panics<F: Future>(future: Pin<&mut F>, wakes: &Arc<Wakes>) {
    let poll = AssertUnwindSafe(|| poll_pinned(future, wakes));
    assert!(catch_unwind(poll).is_err());
}

#[test]
fn c8_one_that_joined_in_a_poll_that_panicked_is_told_when_its_inner_one_goes_away() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let mut middle = Box::pin(scope.run_until_cancelled_owned(inner.future()));
    let direct = inner.future();
    let mut direct = pin!(direct);
    let mut first = true;
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        if std::mem::take(&mut first) {
            return direct.as_mut().poll(cx);
        }
        assert!(middle.as_mut().poll(cx).is_pending());
        panic!("as intended");
    })));
    assert!(run(outer.as_mut(), &wakes).is_pending());
    panics(outer.as_mut(), &wakes);
    drop(outer);
    drop(inner.take());
    if wakes.count() > 0 {
        assert!(run(middle.as_mut(), &wakes).is_pending());
    }
    let before = wakes.count();
    scope.cancel();
    assert!(wakes.count() > before, "the wake-up is lost");
}

#[test]
fn c8_one_inside_that_is_dropped_with_its_panicked_outer_one_wakes_nobody() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut inner = Box::pin(scope.run_until_cancelled(pending::<()>()));
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(move |cx| -> Poll<()> {
        assert!(inner.as_mut().poll(cx).is_pending());
        panic!("as intended");
    })));
    panics(outer.as_mut(), &wakes);
    drop(outer);
    assert_eq!(wakes.count(), 0);
}

#[test]
fn c3_a_shield_that_is_not_polled_holds_after_a_panic_beside_it() {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let shield = scope.without_cancel();
    let mut held = Box::pin(shield.run_until_cancelled(pending::<()>()));
    let polls = Cell::new(0);
    let mut outer = Box::pin(scope.run_until_cancelled(poll_fn(|cx| {
        polls.set(polls.get() + 1);
        match polls.get() {
            1 => held.as_mut().poll(cx).map(drop),
            2 => panic!("as intended"),
            _ => Poll::Pending,
        }
    })));
    assert!(poll_pinned(outer.as_mut(), &wakes).is_pending());
    panics(outer.as_mut(), &wakes);
    scope.cancel();
    assert!(
        poll_pinned(outer.as_mut(), &wakes).is_pending(),
        "the shield holds it"
    );
}

#[test]
fn c8_a_waker_that_was_handed_to_a_poll_that_panics_is_woken() {
    let scope = ROOT.with_cancel();
    let narrow = scope.with_cancel();
    let (first, second) = (Wakes::new(), Wakes::new());
    let mut inner = Some(Box::pin(narrow.run_until_cancelled_owned(pending::<()>())));
    let mut is_first = true;
    let middle = Slot::new(narrow.run_until_cancelled(poll_fn(move |cx| {
        if std::mem::take(&mut is_first) {
            return inner.as_mut().expect("it is there").as_mut().poll(cx);
        }
        inner = None;
        panic!("as intended");
    })));
    let mut outer = Box::pin(scope.run_until_cancelled(middle.future()));
    assert!(poll_pinned(outer.as_mut(), &first).is_pending());
    let mut middle = middle.take();
    panics(middle.as_mut(), &second);
    assert!(first.count() > 0, "nobody watches for the outer one");
}

#[test]
fn c8_a_panic_in_a_poll_or_a_drop_leaves_the_thread_in_order() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "as intended");
        }
    }
    let scope = ROOT.with_cancel();
    let outer = ROOT.with_cancel();
    for in_drop in [false, true] {
        let trial = async {
            let scope = scope.with_cancel();
            let bomb = in_drop.then(|| Bomb);
            let inside = scope.run_until_cancelled(scope.run_until_cancelled(async {
                let _bomb = bomb;
                let _waiting = chain(&scope, 2).now_or_never();
                assert!(in_drop, "as intended");
                tokio::task::yield_now().await;
                scope.cancel();
                pending::<()>().await;
            }));
            let inside: Pin<Box<dyn Future<Output = _>>> = Box::pin(inside);
            AssertUnwindSafe(inside).catch_unwind().await.is_err()
        };
        let mut trial = pin!(outer.run_until_cancelled(trial));
        assert!(
            finish(trial.as_mut(), &Wakes::new()).unwrap(),
            "it panicked"
        );
        // A frame left behind would answer for, or ask of, whoever comes next on this thread.
        let scope = ROOT.with_cancel();
        let nest = Nest::new(&scope);
        drop(nest.inner.take());
        nest.hears(&scope);
    }
}
