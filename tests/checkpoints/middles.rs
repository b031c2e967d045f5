//! C8 where what moves stands between an inner one and an outer one, or between several.

use super::helpers::{ROOT, Slot, chain, finish, run};
use crate::support::{Wakes, poll_pinned};
use ctx::Context;
use futures::FutureExt;
use std::{
    future::{Future, pending, poll_fn},
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

#[test]
fn c8_a_chain_moves_between_tasks() {
    for depth in [1, 2, 3, 10] {
        let scope = ROOT.with_cancel();
        let mut future = chain(&scope, depth);
        let tasks: Vec<_> = (0..4).map(|_| Wakes::new()).collect();
        for wakes in tasks.iter().chain(&tasks) {
            assert!(poll_pinned(future.as_mut(), wakes).is_pending());
        }
        scope.cancel();
        let counts: Vec<_> = tasks.iter().map(|it| it.count()).collect();
        assert_eq!(
            counts,
            [0, 0, 0, 1],
            "the last one is the task, and nobody is misled"
        );
        assert_eq!(
            finish(future.as_mut(), &tasks[3]),
            0,
            "the innermost decides"
        );
    }
}

#[test]
fn c8_a_middle_one_is_taken_out_of_a_chain() {
    for dropped in [true, false] {
        let scope = ROOT.with_cancel();
        let middle = Slot::new(scope.run_until_cancelled_owned(chain(&scope, 3)));
        let around = scope.run_until_cancelled_owned(middle.future());
        let mut outer = Box::pin(scope.run_until_cancelled(around));
        let (mine, other) = (Wakes::new(), Wakes::new());
        assert!(run(outer.as_mut(), &mine).is_pending());
        let mut middle = middle.take();
        if dropped {
            drop(middle);
        } else {
            assert!(run(middle.as_mut(), &other).is_pending());
        }
        assert!(mine.count() > 0, "it is to take over at once");
        assert!(run(outer.as_mut(), &mine).is_pending());
        let before = mine.count();
        scope.cancel();
        assert_eq!(mine.count() - before, 1);
        assert!(matches!(finish(outer.as_mut(), &mine), Ok(Err(_))));
    }
}

/// The middle one is on the same context as the inner one; the outer one may be on a wider one.
#[track_caller]
fn middle_one_ends_before_the_inner_one(wide: &Context, narrow: &Context) {
    let inner = Slot::new(narrow.run_until_cancelled_owned(pending::<()>()));
    let middle = Slot::new(narrow.run_until_cancelled_owned(inner.future()));
    let mut outer = Box::pin(wide.run_until_cancelled(middle.future()));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let inner = inner.take();
    drop(middle.take());
    drop(inner);
    assert!(wakes.count() > 0, "nobody watches for the outer one now");
}

#[test]
fn c8_a_middle_one_ends_before_the_inner_one_that_keeps_watch_for_all() {
    let scope = ROOT.with_cancel();
    middle_one_ends_before_the_inner_one(&scope, &scope);
}

#[test]
fn c8_a_narrower_middle_one_ends_before_the_inner_one_that_keeps_watch_for_all() {
    let wide = ROOT.with_cancel();
    middle_one_ends_before_the_inner_one(&wide, &wide.with_cancel());
}

#[test]
fn c8_a_middle_one_that_moved_panics_after_its_inner_one_went_away() {
    let scope = ROOT.with_cancel();
    let (inside, armed) = (scope.clone(), Arc::new(AtomicBool::new(false)));
    let trigger = Arc::clone(&armed);
    let middle = Slot::new(scope.run_until_cancelled_owned(async move {
        let mut inner = Some(Box::pin(inside.run_until_cancelled(pending::<()>())));
        poll_fn(|cx| {
            if armed.load(Ordering::SeqCst) {
                inner = None;
                panic!("as intended");
            }
            inner.as_mut().expect("not armed").as_mut().poll(cx)
        })
        .await
    }));
    let mut outer = Box::pin(scope.run_until_cancelled(middle.future()));
    let wakes = Wakes::new();
    assert!(run(outer.as_mut(), &wakes).is_pending());
    let middle = AssertUnwindSafe(middle.take());
    trigger.store(true, Ordering::SeqCst);
    assert!(finish(pin!(middle.catch_unwind()), &Wakes::new()).is_err());
    assert!(wakes.count() > 0, "nobody watches for the outer one now");
}

#[test]
fn c8_several_askers_each_hear_when_their_answerer_leaves() {
    // Around a wider middle one, the inner one answers two checkpoints at once.
    for case in 0..3 {
        let wide = ROOT.with_cancel();
        let narrow = wide.with_cancel();
        let inner = Slot::new(narrow.run_until_cancelled_owned(pending::<()>()));
        let middle = Slot::new(wide.run_until_cancelled_owned(inner.future()));
        let mut outer = Box::pin(narrow.run_until_cancelled(middle.future()));
        let (wakes, other) = (Wakes::new(), Wakes::new());
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let mut middle = middle.take();
        match case {
            0 => drop(inner.take()),
            1 => assert!(run(inner.take().as_mut(), &other).is_pending()),
            // With the middle one at work, the inner one still has the outer one to think of.
            _ => assert!(run(middle.as_mut(), &other).is_pending()),
        }
        assert!(wakes.count() > 0, "the outer one takes over at once");
        assert!(run(outer.as_mut(), &wakes).is_pending());
        let before = wakes.count();
        narrow.cancel();
        assert_eq!(wakes.count() - before, 1);
        assert!(finish(outer.as_mut(), &wakes).is_err());
    }
}
