//! W7 and T6, T7, T9: what two trees that are tied owe each other under wakers, races and for long.

use super::{block_on, token};
use crate::{
    allocations::{MILLION, live_bytes, stays_flat},
    support::{HOUR, Nosy, Polled, Wakes, cause, poll_pinned},
};
use ctx::{Context, TokenCancelled};
use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Context as TaskContext,
    thread,
};
use tokio::{task::yield_now, time::advance};

/// T9: whoever is woken through a bridge may look at both of its ends, and drop them.
#[test]
fn t9_a_waker_may_use_both_ends_of_a_bridge() {
    let (token, seen) = (token(), Arc::new(AtomicUsize::new(0)));
    let scope = Context::background().with_token(token.clone());
    let held = Arc::new(Mutex::new(Some((scope, token.clone()))));
    let ctx = held.lock().unwrap().as_ref().unwrap().0.clone();
    let (log, for_wake) = (Arc::clone(&seen), Arc::clone(&held));
    let waker = Nosy::waker(
        move || {
            let (scope, token) = for_wake.lock().unwrap().take().unwrap();
            assert!(scope.is_cancelled() && token.is_cancelled());
            assert!(scope.with_token(token.child_token()).is_cancelled());
            assert!(scope.cancellation_token().is_cancelled());
            token.cancel();
            drop((scope, token));
            log.fetch_add(1, Ordering::SeqCst);
        },
        || (),
    );
    let mut done = pin!(ctx.done());
    assert!(
        done.as_mut()
            .poll(&mut TaskContext::from_waker(&waker))
            .is_pending()
    );
    token.cancel();
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

/// T9: a waker of the token that panics is not the canceller's business, and the others still hear.
#[test]
fn t9_a_waker_of_the_token_that_panics_stays_with_the_token() {
    let scope = Context::background().with_cancel();
    let token = scope.cancellation_token();
    let waker = Nosy::waker(|| panic!("on purpose"), || ());
    let mut waiting = pin!(token.cancelled());
    assert!(
        waiting
            .as_mut()
            .poll(&mut TaskContext::from_waker(&waker))
            .is_pending()
    );
    let mut done = Polled::pending(scope.done());
    assert!(scope.cancel());
    assert!(token.is_cancelled() && done.woken() == 1);
    done.ready();
}

/// A million there and then: whoever asks for a token, or follows one, leaves nothing behind.
#[test]
fn t7_a_million_tokens_of_one_long_lived_context_leave_memory_flat() {
    let root = Context::background().with_cancel();
    drop(root.cancellation_token());
    stays_flat(|| (0..MILLION).for_each(|_| drop(root.cancellation_token())));
    root.cancel();
}

#[test]
fn t7_a_million_contexts_with_tokens_under_one_root_leave_memory_flat() {
    let root = Context::background().with_cancel();
    stays_flat(|| {
        for n in 0..MILLION {
            let scope = root.with_cancel();
            let token = scope.cancellation_token();
            match n % 4 {
                0 => drop(scope),
                1 => assert!(scope.cancel()),
                2 => drop((scope.with_cancel().cancellation_token(), scope)),
                _ => assert!(scope.canceller().cancel() && scope.detach().is_cancelled()),
            }
            assert!(token.is_cancelled());
        }
    });
    root.cancel();
}

#[test]
fn t7_a_million_contexts_that_follow_one_long_lived_token_leave_memory_flat() {
    let (token, root) = (token(), Context::background().with_cancel());
    stays_flat(|| {
        for n in 0..MILLION {
            let scope = root.with_token(token.clone());
            match n % 4 {
                0 => drop(scope),
                1 => assert!(scope.cancel()),
                2 => drop((scope.with_cancel(), scope)),
                _ => drop(scope.detach()),
            }
        }
    });
    token.cancel();
}

/// The contexts are still held: it is the token that must let them go.
#[test]
fn t7_a_dropped_scope_leaves_the_token_although_its_context_is_held() {
    let token = token();
    let root = Context::background().with_cancel();
    let scopes: Vec<_> = (0..1_000).map(|_| root.with_token(token.clone())).collect();
    let contexts: Vec<_> = scopes.iter().map(ctx::CancelScope::clone).collect();
    let before = live_bytes();
    drop(scopes);
    let freed = before - live_bytes();
    assert!(freed > 1_000 * 64, "{freed} bytes were given back");
    assert!(contexts.iter().all(Context::is_cancelled));
}

/// Those that end by a deadline too, and their timers.
#[tokio::test(start_paused = true)]
async fn t7_expired_contexts_leave_their_tokens_behind_and_nothing_else() {
    let root = Context::background().with_cancel();
    let round = async || {
        let scope = root.with_timeout(HOUR);
        let token = scope.clone().cancellation_token();
        let _context = scope.detach();
        advance(HOUR).await;
        yield_now().await;
        assert!(token.is_cancelled());
    };
    round().await;
    let before = live_bytes();
    for _ in 0..1_000 {
        round().await;
    }
    assert!(live_bytes() - before < 8 * 1024);
}

/// Both ends of a bridge end at the same time, while others make and drop bridges.
#[test]
fn t6_races_of_bridges_lose_no_end_and_no_wake_up() {
    for round in 0..2_000 {
        let (token, start) = (token(), Barrier::new(3));
        let parent = Context::background().with_cancel();
        let wakes = Wakes::new();
        let ended = thread::scope(|threads| {
            let made = threads.spawn(|| {
                start.wait();
                let scope = parent.with_token(token.clone());
                let out = scope.cancellation_token();
                let mut done = Box::pin(scope.done_owned());
                let polled = poll_pinned(done.as_mut(), &wakes);
                (scope, out, done, polled.is_ready())
            });
            threads.spawn(|| {
                start.wait();
                token.cancel();
            });
            threads.spawn(|| {
                start.wait();
                drop(parent.with_token(token.clone()));
                drop(parent.cancellation_token());
                if round % 2 == 0 {
                    parent.cancel_with("parent");
                }
            });
            let (scope, out, done, ready) = made.join().unwrap();
            // Whoever ended it may still be on the way to those who wait.
            block_on(out.cancelled());
            let told = cause(&scope);
            assert!(
                [TokenCancelled.to_string(), "parent".into()].contains(&told),
                "{told}"
            );
            (scope, done, ready)
        });
        assert!(ended.2 || wakes.count() == 1, "who waited was forgotten");
    }
}

/// Many threads ask one context for its first token, and it ends meanwhile.
#[test]
fn t6_the_first_token_may_be_asked_for_by_many_and_too_late() {
    for _ in 0..2_000 {
        let (scope, start) = (Context::background().with_cancel(), Barrier::new(3));
        thread::scope(|threads| {
            let ask = || {
                start.wait();
                scope.cancellation_token()
            };
            let asked = [threads.spawn(ask), threads.spawn(ask)];
            start.wait();
            scope.cancel();
            for token in asked.map(|it| it.join().unwrap()) {
                block_on(token.cancelled());
            }
        });
    }
}

/// Dropping a followed context while its token is being cancelled, from two threads.
#[test]
fn t6_a_scope_may_be_dropped_while_its_token_is_cancelled() {
    for _ in 0..5_000 {
        let (token, start) = (token(), Barrier::new(2));
        let scope = Context::background().with_token(token.clone());
        let ctx = scope.clone();
        thread::scope(|threads| {
            threads.spawn(|| {
                start.wait();
                drop(scope);
            });
            start.wait();
            token.cancel();
        });
        assert!(ctx.is_cancelled());
    }
}
