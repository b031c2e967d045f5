//! What stays in memory, counted and not timed.

use crate::{
    bound::at_most,
    counting::{Count, counted},
    harness::Harness,
    leaf::{Leaf, waker},
    report::Role,
};
use ctx::{Cancelled, Context, with_context};
use std::{future::Future, task::Context as TaskContext, time::Duration};
use tokio_util::sync::CancellationToken;

const TOKEN: &str = "child_token";

pub(crate) fn rows(harness: &mut Harness) {
    let root = Context::background().with_cancel();
    let token = CancellationToken::new();
    let theirs = counted(|| token.child_token()).1;
    let ours = counted(|| root.with_cancel()).1;
    let titles = [
        "a live, unwatched scope, allocations",
        "a live, unwatched scope, bytes",
    ];
    pair(harness, titles, &ours, &theirs, true);
    let ours = counted(|| root.with_timeout(Duration::from_secs(3600))).1;
    let titles = [
        "a live, unwatched scope with a deadline, allocations",
        "a live, unwatched scope with a deadline, bytes",
    ];
    pair(harness, titles, &ours, &theirs, true);
    waited_for(harness, &root, &token);
    futures(harness, &root, &token);
}

fn pair(
    harness: &mut Harness,
    [allocations, bytes]: [&'static str; 2],
    ours: &Count,
    theirs: &Count,
    bounded: bool,
) {
    for (title, unit, ours, theirs, limit) in [
        (allocations, "", ours.allocations, theirs.allocations, 1.0),
        (bytes, "bytes", ours.bytes, theirs.bytes, 128.0),
    ] {
        let row = harness
            .row("memory", title)
            .unit(unit)
            .known("ours", Role::Ours, vec![ours])
            .known(TOKEN, Role::Rival, vec![theirs]);
        let row = if bounded {
            row.bound(at_most(limit, unit))
        } else {
            row
        };
        row.measure();
    }
}

/// A scope below a live one, and one future that waits for it: the second of its kind, so that the lists
/// of the root have room.
fn waited_for(harness: &mut Harness, root: &Context, token: &CancellationToken) {
    let waker = &waker();
    let wait = || {
        let scope = root.with_cancel();
        let mut done = Box::pin(scope.done_owned());
        let mut cx = TaskContext::from_waker(waker);
        assert!(done.as_mut().poll(&mut cx).is_pending());
        (scope, done)
    };
    let token_wait = || {
        let child = token.child_token();
        let mut done = Box::pin(child.clone().cancelled_owned());
        let mut cx = TaskContext::from_waker(waker);
        assert!(done.as_mut().poll(&mut cx).is_pending());
        (child, done)
    };
    let (_first, _theirs) = (wait(), token_wait());
    let titles = [
        "a scope and a boxed future waiting for it, allocations",
        "a scope and a boxed future waiting for it, bytes",
    ];
    pair(
        harness,
        titles,
        &counted(wait).1,
        &counted(token_wait).1,
        false,
    );
}

/// Three chains of functions that await each other, seven deep: annotated, under a token, and bare.
macro_rules! chains {
    ($($name:ident awaits $inner:ident;)*) => {
        mod annotated {
            use super::*;
            #[with_context]
            pub(super) async fn innermost() -> Result<(), Cancelled> {
                Leaf(1).await;
                Ok(())
            }
            $(#[with_context]
            pub(super) async fn $name() -> Result<(), Cancelled> {
                $inner(ctx).await
            })*
        }
        mod under_token {
            use super::*;
            pub(super) async fn innermost(token: &CancellationToken) -> Option<()> {
                token.run_until_cancelled(Leaf(1)).await
            }
            $(pub(super) async fn $name(token: &CancellationToken) -> Option<()> {
                token.run_until_cancelled($inner(token)).await?
            })*
        }
        mod bare {
            use super::*;
            pub(super) async fn innermost(ctx: &Context) -> Result<(), Cancelled> {
                let _ = ctx;
                Leaf(1).await;
                Ok(())
            }
            $(pub(super) async fn $name(ctx: &Context) -> Result<(), Cancelled> {
                $inner(ctx).await
            })*
        }
    };
}

chains! {
    second awaits innermost;
    third awaits second;
    fourth awaits third;
    fifth awaits fourth;
    sixth awaits fifth;
    seventh awaits sixth;
}

fn futures(harness: &mut Harness, ctx: &Context, token: &CancellationToken) {
    /// What one of the six calls adds.
    #[expect(clippy::cast_precision_loss, reason = "figures are for reading")]
    fn step<A: Future, B: Future>(innermost: &A, outermost: &B) -> f64 {
        (size_of_val(outermost) - size_of_val(innermost)) as f64 / 6.0
    }
    let ours = step(&annotated::innermost(ctx), &annotated::seventh(ctx));
    let theirs = step(&under_token::innermost(token), &under_token::seventh(token));
    let bare = step(&bare::innermost(ctx), &bare::seventh(ctx));
    harness
        .row("memory", "future size added per nested annotated call")
        .unit("bytes")
        .known("ours", Role::Ours, vec![ours])
        .known("run_until_cancelled", Role::Rival, vec![theirs])
        .known("bare call", Role::Floor, vec![bare])
        .bound(at_most(64.0, "bytes").above("bare call"))
        .measure();
}
