//! Awaiting under a context. Every future is polled by hand, with a waker that is counted like a task's.
//!
//! Of a result one asks whether it is one, as `?` does: to move an error that is not there is no part of an
//! await, and costs as much as a fifth of one.

use crate::{
    awaits,
    bound::{times, times_sum},
    chain, chains,
    harness::Harness,
    leaf::{Leaf, finish, waker},
    least, neighbours, rivals, sixteen,
    timed::each,
};
use ctx::{Cancelled, Context, with_context};
use spin::mutex::SpinMutex;
use std::{
    hint::black_box,
    task::Waker,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

const TOKEN: &str = "run_until_cancelled";
const BARE: &str = "bare";
const CLOCK: &str = "Instant::now";
/// What stands in `least`.
const LEAST: &str = "the least";
/// How often the innermost of a chain is pending.
const YIELDS: u32 = 100;
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn rows(harness: &mut Harness) {
    let root = Context::background().with_cancel();
    let ctx: &Context = &root.with_cancel();
    let token = &CancellationToken::new().child_token();
    let waker = &waker();
    ready(harness, ctx, token, waker);
    ready_by_hand(harness, ctx, token, waker);
    pending_once(harness, ctx, token, waker);
    in_a_loop(harness, ctx, token, waker);
    nested(harness, ctx, token, waker);
    timeout(harness, ctx);
}

fn ready(harness: &mut Harness, ctx: &Context, token: &CancellationToken, waker: &Waker) {
    let under_token = || {
        let run = || {
            finish(
                neighbours::one_under_token(black_box(token), black_box(0)),
                waker,
            )
        };
        each(run)
    };
    let bare = || each(|| finish(neighbours::one_bare(black_box(0)), waker));
    harness
        .row("checkpoints", "ready, in an annotated function")
        .ours(each(|| {
            finish(awaits::one(black_box(ctx), black_box(0)), waker).is_ok()
        }))
        .rival(TOKEN, under_token())
        .go("Go's select", "SelectReady")
        .floor(BARE, bare())
        .floor(LEAST, each(|| finish(least::one(black_box(ctx)), waker)))
        .bound(times(0.3, TOKEN).not_below(LEAST))
        .measure();
    let late = ctx.with_timeout(HOUR);
    harness
        .row(
            "checkpoints",
            "ready, in an annotated function, live deadline",
        )
        .ours(each(|| {
            finish(awaits::one(black_box(&late), black_box(0)), waker).is_ok()
        }))
        .rival(TOKEN, under_token())
        .floor(BARE, bare())
        .floor(CLOCK, each(Instant::now))
        .floor(LEAST, each(|| finish(least::one(black_box(&late)), waker)))
        .bound(times_sum(1.0, &[(0.3, TOKEN), (1.0, CLOCK)]).not_below(LEAST))
        .measure();
}

fn ready_by_hand(harness: &mut Harness, ctx: &Context, token: &CancellationToken, waker: &Waker) {
    let leaf = || Leaf(black_box(0));
    harness
        .row("checkpoints", "ready, by hand: ctx.run_until_cancelled")
        .ours(each(|| {
            finish(black_box(ctx).run_until_cancelled(leaf()), waker).is_ok()
        }))
        .rival(
            TOKEN,
            each(|| finish(black_box(token).run_until_cancelled(leaf()), waker)),
        )
        .floor(BARE, each(|| finish(leaf(), waker)))
        .floor(
            LEAST,
            each(|| finish(least::by_hand(black_box(ctx)), waker)),
        )
        .bound(times(0.3, TOKEN).not_below(LEAST))
        .measure();
}

fn pending_once(harness: &mut Harness, ctx: &Context, token: &CancellationToken, waker: &Waker) {
    let under_token = || {
        finish(
            neighbours::one_under_token(black_box(token), black_box(1)),
            waker,
        )
    };
    let list = SpinMutex::new(None);
    harness
        .row("checkpoints", "pending once, in an annotated function")
        .ours(each(|| {
            finish(awaits::one(black_box(ctx), black_box(1)), waker).is_ok()
        }))
        .rival(TOKEN, each(under_token))
        .floor(
            BARE,
            each(|| finish(neighbours::one_bare(black_box(1)), waker)),
        )
        .floor(
            LEAST,
            each(|| finish(least::one_pending(black_box(ctx), &list), waker)),
        )
        .bound(times(0.6, TOKEN).above(BARE).not_below(LEAST))
        .measure();
}

fn in_a_loop(harness: &mut Harness, ctx: &Context, token: &CancellationToken, waker: &Waker) {
    const AWAITS: u32 = 10_000;
    let run = |pending: u32| {
        let ours = move || finish(awaits::many(black_box(ctx), AWAITS, pending), waker);
        let under_token = move || {
            finish(
                neighbours::many_under_token(black_box(token), AWAITS, pending),
                waker,
            )
        };
        let bare = move || finish(neighbours::many_bare(black_box(AWAITS), pending), waker);
        let least = move || finish(least::many(black_box(ctx), AWAITS, pending), waker);
        (each(ours), each(under_token), each(bare), each(least))
    };
    let (ours, under_token, bare, least) = run(0);
    harness
        .row(
            "checkpoints",
            "ready, 10,000 in one annotated function, per await",
        )
        .ours(ours)
        .rival(TOKEN, under_token)
        .floor(BARE, bare)
        .floor(LEAST, least)
        .per(AWAITS)
        .measure();
    let (ours, under_token, bare, least) = run(1);
    harness
        .row(
            "checkpoints",
            "pending once, 10,000 in one annotated function, per await",
        )
        .ours(ours)
        .rival(TOKEN, under_token)
        .floor(BARE, bare)
        .floor(LEAST, least)
        .per(AWAITS)
        .bound(times(0.07, TOKEN).above(BARE).not_below(LEAST))
        .measure();
    other_handles(harness, ctx, waker);
}

#[with_context(owned)]
async fn on_an_owned_context(awaits: u32) -> Result<(), Cancelled> {
    for _ in 0..awaits {
        Leaf(black_box(1)).await;
    }
    Ok(())
}

#[with_context]
async fn on_a_scope(awaits: u32) -> Result<(), Cancelled> {
    let ctx = ctx.with_cancel();
    for _ in 0..awaits {
        Leaf(black_box(1)).await;
    }
    Ok(())
}

fn other_handles(harness: &mut Harness, ctx: &Context, waker: &Waker) {
    const AWAITS: u32 = 10_000;
    const REFERENCE: &str = "on a reference";
    let reference = || each(|| finish(awaits::many(black_box(ctx), AWAITS, 1), waker));
    let owned = || finish(on_an_owned_context(black_box(ctx).clone(), AWAITS), waker);
    harness
        .row(
            "checkpoints",
            "pending once in a loop, on an owned context, per await",
        )
        .ours(each(owned))
        .floor(REFERENCE, reference())
        .per(AWAITS)
        .measure();
    harness
        .row(
            "checkpoints",
            "pending once in a loop, on a scope, per await",
        )
        .ours(each(|| finish(on_a_scope(black_box(ctx), AWAITS), waker)))
        .floor(REFERENCE, reference())
        .per(AWAITS)
        .measure();
}

fn nested(harness: &mut Harness, ctx: &Context, token: &CancellationToken, waker: &Waker) {
    let under_token = || finish(rivals::token::outermost(black_box(token), YIELDS), waker);
    harness
        .row("checkpoints", "16 nested annotated functions, 100 yields")
        .ours(each(|| {
            finish(sixteen::outermost(black_box(ctx), YIELDS), waker)
        }))
        .rival("nested run_until_cancelled", each(under_token))
        .floor(
            "bare chain",
            each(|| finish(rivals::bare::outermost(black_box(YIELDS)), waker)),
        )
        .floor(
            LEAST,
            each(|| finish(rivals::least::outermost(black_box(ctx), YIELDS), waker)),
        )
        .bound(times(1.6, "bare chain").not_below(LEAST))
        .bound(times(0.12, "nested run_until_cancelled").not_below(LEAST))
        .measure();
    recursive(harness, ctx, token, waker);
}

/// The same by one function, whose levels a processor cannot tell apart by where they are.
fn recursive(harness: &mut Harness, ctx: &Context, token: &CancellationToken, waker: &Waker) {
    const DEPTH: u32 = 16;
    let under_token = || finish(chains::under_token(black_box(token), DEPTH, YIELDS), waker);
    harness
        .row(
            "checkpoints",
            "one annotated function, 16 deep in itself, 100 yields",
        )
        .ours(each(|| {
            finish(chain::nested(black_box(ctx), DEPTH, YIELDS), waker)
        }))
        .rival("nested run_until_cancelled", each(under_token))
        .floor(
            "bare chain",
            each(|| finish(chains::bare(black_box(DEPTH), YIELDS), waker)),
        )
        .floor(
            LEAST,
            each(|| finish(least::nested(black_box(ctx), DEPTH, YIELDS), waker)),
        )
        .bound(times(1.6, "bare chain").not_below(LEAST))
        .bound(times(0.12, "nested run_until_cancelled").not_below(LEAST))
        .measure();
}

/// Both inside a runtime that sleeps until an earlier timer, as a server's does, so that neither has to
/// wake its driver.
fn timeout(harness: &mut Harness, ctx: &Context) {
    const RIVAL: &str = "tokio::time::timeout";
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime is to be had");
    let _entered = runtime.enter();
    let (waker, list) = (&waker(), SpinMutex::new(None));
    let mut earlier = Box::pin(tokio::time::sleep(HOUR / 2));
    assert!(
        earlier
            .as_mut()
            .poll(&mut std::task::Context::from_waker(waker))
            .is_pending()
    );
    runtime.block_on(tokio::time::sleep(Duration::from_millis(2)));
    let ours = async |pending: u32| {
        let scope = black_box(ctx).with_timeout(black_box(HOUR));
        scope.run_until_cancelled(Leaf(pending)).await
    };
    let theirs = async |pending| tokio::time::timeout(black_box(HOUR), Leaf(pending)).await;
    harness
        .row("checkpoints", "derive a deadline, await what is ready")
        .ours(each(|| finish(ours(black_box(0)), waker)))
        .rival(RIVAL, each(|| finish(theirs(black_box(0)), waker)))
        .measure();
    harness
        .row(
            "checkpoints",
            "derive a deadline, await pending once, done in time",
        )
        .ours(each(|| finish(ours(black_box(1)), waker)))
        .rival(RIVAL, each(|| finish(theirs(black_box(1)), waker)))
        .floor(
            LEAST,
            each(|| {
                finish(
                    least::in_time(black_box(ctx), black_box(HOUR), &list),
                    waker,
                )
            }),
        )
        .bound(times(1.4, RIVAL).not_below(LEAST))
        .measure();
}
