//! T9, and T10 where wakers are at work: foreign code harms nobody.

use super::LEVEL;
use crate::support::{Nosy, Polled, Wakes, poll};
use ctx::Context;
use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::Context as TaskContext,
    thread,
};

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
