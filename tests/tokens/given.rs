//! W7: `cancellation_token`, a token that a context cancels.

use super::{NAME, block_on};
use crate::support::HOUR;
use ctx::Context;
use std::time::Duration;
use tokio::{runtime::Builder, task::yield_now, time::advance};
use tokio_util::sync::CancellationToken;

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
