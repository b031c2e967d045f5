//! W7: `with_token`, a context that follows a token.

use super::{NAME, token};
use crate::support::{Polled, cause, on_a_small_stack};
use ctx::{Context, Reason, TokenCancelled, Trigger};
use std::{
    future::{pending, poll_fn, ready},
    task::Poll,
    time::Duration,
};

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
    let start = format!("Background.with_token({}:", file!());
    assert!(chain.starts_with(&start), "{chain}");
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
