//! W7: contexts and tokio-util's tokens, both ways.

use crate::{
    allocations::{MILLION, live_bytes, stays_flat},
    support::{HOUR, Nosy, Polled, Wakes, cause, on_a_small_stack, poll_pinned},
};
use ctx::{Context, Reason, TokenCancelled, Trigger};
use std::{
    future::{Future, pending, poll_fn, ready},
    pin::pin,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context as TaskContext, Poll},
    thread,
    time::Duration,
};
use tokio::{runtime::Builder, task::yield_now, time::advance};
use tokio_util::sync::CancellationToken;

ctx::ctx_value! { NAME: &'static str; }

fn token() -> CancellationToken {
    CancellationToken::new()
}

/// Every way to end a context, and that it ends `scope`'s token on the spot.
#[test]
fn w7_a_context_cancels_its_token_before_the_cancel_returns() {
    let root = Context::background().with_cancel();
    let scope = root.with_value(&NAME, "ada").with_cancel();
    let tokens = [
        scope.cancellation_token(),
        scope.with_value(&NAME, "bob").cancellation_token(),
    ];
    assert!(tokens.iter().all(|it| !it.is_cancelled()));
    scope.cancel();
    assert!(tokens.iter().all(CancellationToken::is_cancelled));

    let [by_parent, by_drop] = [root.with_cancel(), root.with_cancel()];
    let tokens = [by_parent.cancellation_token(), by_drop.cancellation_token()];
    drop(by_drop);
    assert!(tokens[1].is_cancelled() && !tokens[0].is_cancelled());
    root.cancel();
    assert!(tokens[0].is_cancelled());
}

#[test]
fn w7_a_merge_cancels_its_token_from_either_side() {
    for other in [false, true] {
        let [a, b] = [
            Context::background().with_cancel(),
            Context::background().with_cancel(),
        ];
        let token = a.merge(&b).detach().cancellation_token();
        assert!(!token.is_cancelled());
        if other {
            b.cancel()
        } else {
            a.cancel()
        };
        assert!(token.is_cancelled());
    }
}

#[test]
fn w7_an_ended_context_gives_a_cancelled_token_and_background_one_that_never_is() {
    let scope = Context::background().with_cancel();
    let early = scope.cancellation_token();
    scope.cancel();
    assert!(early.is_cancelled() && scope.cancellation_token().is_cancelled());
    assert!(
        Context::background()
            .with_timeout(Duration::ZERO)
            .cancellation_token()
            .is_cancelled()
    );
    assert!(!Context::background().cancellation_token().is_cancelled());
    assert!(!scope.without_cancel().cancellation_token().is_cancelled());
}

#[test]
fn w7_cancelling_a_token_ends_neither_its_context_nor_its_siblings() {
    let scope = Context::background().with_cancel();
    let [given, sibling] = [scope.cancellation_token(), scope.cancellation_token()];
    given.cancel();
    assert!(!scope.is_cancelled() && !sibling.is_cancelled());
    assert!(!scope.cancellation_token().is_cancelled());
    drop((given, sibling.clone().drop_guard()));
    assert!(sibling.is_cancelled() && !scope.is_cancelled());
    let late = scope.cancellation_token();
    scope.cancel();
    assert!(late.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn w7_a_deadline_cancels_the_token_although_nobody_looks_at_the_context() {
    let root = Context::background().with_timeout(HOUR);
    let [own, inherited] = [root.with_timeout(HOUR / 2), root.with_cancel()];
    let tokens = [own.cancellation_token(), inherited.cancellation_token()];
    advance(HOUR / 2).await;
    yield_now().await;
    assert!(tokens[0].is_cancelled() && !tokens[1].is_cancelled());
    advance(HOUR / 2).await;
    yield_now().await;
    assert!(tokens[1].is_cancelled());
}

/// This runtime does not get to run its timers, and the token that was made in time so does not know yet.
#[tokio::test]
async fn w7_a_token_made_after_an_unseen_deadline_is_cancelled() {
    let scope = Context::background().with_timeout(Duration::from_millis(5));
    let early = scope.cancellation_token();
    while !scope.is_cancelled() {}
    assert!(scope.cancellation_token().is_cancelled());
    early.cancelled().await;
}

/// Outside a runtime the timer thread does it; the token itself is waited for, by no clock.
#[test]
fn w7_a_deadline_cancels_the_token_outside_a_runtime() {
    let scope = Context::background().with_timeout(Duration::from_millis(5));
    block_on(scope.cancellation_token().cancelled());
    assert!(scope.err().unwrap().is_deadline_exceeded());
}

#[test]
fn w7_a_deadline_cancels_the_token_although_its_runtime_has_gone() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let scope = Context::background().with_timeout(Duration::from_millis(50));
    let token = runtime.block_on(async { scope.cancellation_token() });
    drop(runtime);
    block_on(token.cancelled());
    assert!(scope.is_cancelled());
}

/// Nobody holds the context any more, but its parent is to end it, and the deadline.
#[tokio::test(start_paused = true)]
async fn w7_a_token_outlives_the_handles_of_a_detached_context() {
    let root = Context::background().with_cancel();
    let by_parent = root.with_cancel().detach().cancellation_token();
    let by_deadline = root.with_timeout(HOUR).detach().cancellation_token();
    assert!(!by_parent.is_cancelled() && !by_deadline.is_cancelled());
    advance(HOUR).await;
    yield_now().await;
    assert!(by_deadline.is_cancelled() && !by_parent.is_cancelled());
    root.cancel();
    assert!(by_parent.is_cancelled());
}

#[tokio::test]
async fn w7_a_task_that_waits_for_the_token_is_woken() {
    let scope = Context::background().with_cancel();
    let token = scope.cancellation_token();
    let waiting = tokio::spawn(async move { token.cancelled().await });
    yield_now().await;
    scope.cancel();
    waiting.await.unwrap();
}

#[test]
fn w7_a_token_ends_its_context_before_the_cancel_returns() {
    let (parent, token) = (
        Context::background().with_value(&NAME, "ada").with_cancel(),
        token(),
    );
    let line = line!() + 1;
    let scope = parent.with_token(token.clone());
    let below = scope.with_cancel().with_cancel().detach();
    assert!(
        !scope.is_cancelled() && below.err().is_some(),
        "a temporary, as anywhere"
    );
    let below = scope.with_value(&NAME, "bob").with_cancel();
    token.cancel();
    for ctx in [&scope, &below] {
        let cancelled = ctx.err().unwrap();
        assert_eq!(cancelled.cause_as(), Some(&TokenCancelled));
        assert_eq!(
            (cancelled.reason(), cancelled.trigger()),
            (Reason::Cancelled, Trigger::Call)
        );
        assert_eq!(
            (
                cancelled.cancelled_at().file(),
                cancelled.cancelled_at().line()
            ),
            (file!(), line)
        );
    }
    assert!(!parent.is_cancelled() && scope.value(&NAME) == Some(&"ada"));
    assert!(!scope.cancel(), "the token was first (T2)");
}

#[test]
fn w7_a_cancelled_token_gives_an_ended_context_and_a_parents_error_comes_first() {
    let (parent, token) = (Context::background().with_cancel(), token());
    token.cancel();
    assert_eq!(
        cause(&parent.with_token(token.clone())),
        TokenCancelled.to_string()
    );
    parent.cancel_with("parent");
    assert_eq!(cause(&parent.with_token(token.clone())), "parent");
    let late = Context::background().with_timeout(Duration::ZERO);
    assert!(late.with_token(token).err().unwrap().is_deadline_exceeded());
}

#[test]
fn w7_the_end_of_a_context_does_not_cancel_the_token_it_follows() {
    let (token, root) = (token(), Context::background().with_cancel());
    let scopes = [
        root.with_token(token.clone()),
        root.with_token(token.clone()),
    ];
    scopes[0].cancel_with("enough");
    root.cancel_with("root");
    drop(Context::background().with_token(token.clone()));
    assert!(!token.is_cancelled());
    token.cancel();
    assert_eq!(scopes.each_ref().map(|it| cause(it)), ["enough", "root"]);
}

#[test]
fn w7_the_chain_names_the_bridge() {
    let scope = Context::background().with_token(token());
    let chain = format!("{scope:?}");
    assert!(
        chain.starts_with("Background.with_token(tests/tokens.rs:"),
        "{chain}"
    );
}

#[test]
fn w7_a_detached_context_follows_its_token_and_a_dropped_scope_no_more() {
    let token = token();
    let ctx = Context::background().with_token(token.clone()).detach();
    let held = Context::background().with_token(token.clone());
    let clone = held.clone();
    drop(held);
    assert_eq!(clone.err().unwrap().trigger(), Trigger::Dropped);
    token.cancel();
    assert_eq!(cause(&ctx), TokenCancelled.to_string());
}

/// There and back again: the end goes over as many bridges as there are, and depth is no limit (T8).
#[test]
fn w7_bridges_may_follow_each_other_to_any_depth() {
    on_a_small_stack(|| {
        let root = Context::background().with_cancel();
        let mut contexts = vec![root.clone()];
        for _ in 0..100_000 {
            let token = contexts[contexts.len() - 1].cancellation_token();
            contexts.push(Context::background().with_token(token).detach());
        }
        root.cancel();
        assert!(contexts.iter().all(Context::is_cancelled));
    });
}

#[test]
fn w7_a_context_may_follow_a_token_of_its_own() {
    let root = Context::background().with_cancel();
    let scope = root.with_token(root.cancellation_token());
    let inner = scope.with_token(scope.cancellation_token());
    root.cancel_with("root");
    // Whichever way it came: the scope is told by the tree first.
    assert_eq!(
        (cause(&scope), cause(&inner)),
        ("root".into(), "root".into())
    );
}

/// Pending once, and it wakes nobody for that.
async fn in_two_polls() -> u32 {
    let mut polled = false;
    poll_fn(|_| {
        let before = std::mem::replace(&mut polled, true);
        if before {
            Poll::Ready(7)
        } else {
            Poll::Pending
        }
    })
    .await
}

/// C1, C2, C4 and C6 on a context that a token ends.
#[test]
fn w7_checkpoints_hold_on_a_followed_context() {
    let token = token();
    let scope = Context::background().with_token(token.clone());
    let inner = scope.with_cancel();
    let mut waiting =
        Polled::pending(scope.run_until_cancelled(inner.run_until_cancelled(pending::<()>())));
    let mut result = Polled::pending(scope.run_until_cancelled(in_two_polls()));
    token.cancel();
    assert_eq!(
        (
            waiting.woken(),
            waiting.ready().unwrap().unwrap_err().cause_as()
        ),
        (1, Some(&TokenCancelled))
    );
    assert_eq!(result.ready().unwrap(), 7, "a result wins");
    let line = line!() + 1;
    let refused = Polled::new(scope.run_until_cancelled(ready(7)))
        .ready()
        .unwrap_err();
    assert_eq!(refused.noticed_at().unwrap().line(), line);
}

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

/// Waits on this thread, which is parked meanwhile.
fn block_on(future: impl Future<Output = ()>) {
    let (tell, told) = mpsc::channel();
    let waker = Nosy::waker(
        move || {
            let _ = tell.send(());
        },
        || (),
    );
    let mut future = pin!(future);
    while future
        .as_mut()
        .poll(&mut TaskContext::from_waker(&waker))
        .is_pending()
    {
        told.recv_timeout(Duration::from_secs(30))
            .expect("it was forgotten");
    }
}
