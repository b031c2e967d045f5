//! Asking a context whether it has ended.
//!
//! These are figures of throughput: a loop of calls that do not wait for each other, on every side alike.
//! Two rows at the end are of latency, where each call's input depends on the one before.

use crate::{
    bound::times,
    harness::Harness,
    timed::{Timed, each},
};
use ctx::{CancelScope, Context, ctx_value};
use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering::Acquire},
    },
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

ctx_value! { LAYER: u64; }

const TOKEN: &str = "CancellationToken";
const FLAG: &str = "AtomicBool::load";
const ARC: &str = "Arc clone + drop";
const CLOCK: &str = "Instant::now";
const LEAST: &str = "a handle of one pointer";

pub(crate) fn rows(harness: &mut Harness) {
    harness
        .row("reading", "the loop, and nothing in it")
        .ours(each(|| ()))
        .measure();
    live(harness);
    far(harness);
    ended(harness);
    with_a_deadline(harness);
    one_after_another(harness);
    handles(harness);
}

fn is_cancelled(ctx: &Context) -> Timed<'_> {
    each(move || black_box(ctx).is_cancelled())
}

/// The least that a handle of one pointer can do: it may be empty, it is followed, and one word is looked at,
/// or, for a scope that is in no list, also the one above it.
struct Handle(Option<Arc<(AtomicU8, Handle)>>);

impl Handle {
    fn new(word: u8, above: Handle) -> Self {
        Self(Some(Arc::new((AtomicU8::new(word), above))))
    }

    #[inline]
    fn says(&self) -> bool {
        self.0.as_ref().is_some_and(|it| it.0.load(Acquire) != 4)
    }

    #[inline]
    fn or_above(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|it| it.0.load(Acquire) != 4 && it.1.says())
    }
}

fn flag(flag: &AtomicBool) -> Timed<'_> {
    each(move || black_box(flag).load(Acquire))
}

/// A row of `is_cancelled` or `check` against a token in the same state, and a bare flag.
fn held_against_a_token(
    harness: &mut Harness,
    title: &'static str,
    go: &'static str,
    ours: Timed<'_>,
    least: Timed<'_>,
    token: &CancellationToken,
) {
    let bare = AtomicBool::new(token.is_cancelled());
    harness
        .row("reading", title)
        .ours(ours)
        .rival(TOKEN, each(|| black_box(token).is_cancelled()))
        .go("Go", go)
        .floor(FLAG, flag(&bare))
        .floor(LEAST, least)
        .bound(times(0.15, TOKEN).not_below(LEAST))
        .bound(times(6.0, FLAG))
        .measure();
}

fn live(harness: &mut Harness) {
    let root = Context::background().with_cancel();
    let child = root.with_cancel();
    let token = CancellationToken::new();
    let below = token.child_token();
    let handle = Handle::new(4, Handle(None));
    held_against_a_token(
        harness,
        "is_cancelled, live",
        "ErrRoot",
        is_cancelled(&root),
        each(|| black_box(&handle).says()),
        &token,
    );
    let handle = Handle::new(0, handle);
    let least = || each(|| black_box(&handle).or_above());
    let title = "is_cancelled, live, below a live parent";
    held_against_a_token(harness, title, "Err", is_cancelled(&child), least(), &below);
    let check = each(|| black_box(&*child).check().is_err());
    held_against_a_token(harness, "check, live", "Err", check, least(), &below);
}

fn far(harness: &mut Harness) {
    let root = Context::background().with_cancel();
    let layered = (0..16).fold(root.clone(), |ctx, n| ctx.with_value(&LAYER, n));
    let token = CancellationToken::new().child_token();
    let handle = Handle::new(0, Handle::new(4, Handle(None)));
    let title = "is_cancelled, live, behind 16 values";
    held_against_a_token(
        harness,
        title,
        "ErrBehind16Values",
        is_cancelled(&layered),
        each(|| black_box(&handle).or_above()),
        &token,
    );

    let mut scopes: Vec<CancelScope> = vec![root];
    let mut tokens = vec![token];
    for depth in 1..1_000 {
        scopes.push(scopes[depth - 1].with_cancel());
        tokens.push(tokens[depth - 1].child_token());
    }
    let title = "is_cancelled, live, at depth 1,000";
    held_against_a_token(
        harness,
        title,
        "ErrDepth1000",
        is_cancelled(&scopes[999]),
        each(|| black_box(&handle).or_above()),
        &tokens[999],
    );
}

fn ended(harness: &mut Harness) {
    let scope = Context::background().with_cancel();
    let token = CancellationToken::new().child_token();
    scope.cancel();
    token.cancel();
    let ours = is_cancelled(&scope);
    let handle = Handle::new(1, Handle(None));
    held_against_a_token(
        harness,
        "is_cancelled, cancelled",
        "ErrCancelled",
        ours,
        each(|| black_box(&handle).says()),
        &token,
    );
    let shared = Arc::new(7_u64);
    let arc = || each(|| Arc::clone(black_box(&shared)));
    harness
        .row("reading", "err, cancelled")
        .ours(each(|| black_box(&*scope).err()))
        .go("Go", "CauseCancelled")
        .floor(ARC, arc())
        .bound(times(1.5, ARC))
        .measure();
    harness
        .row("reading", "check, cancelled")
        .ours(each(|| black_box(&*scope).check()))
        .go("Go", "CauseCancelled")
        .floor(ARC, arc())
        .bound(times(1.5, ARC))
        .measure();
}

fn with_a_deadline(harness: &mut Harness) {
    let root = Context::background().with_cancel();
    let late = root.with_timeout(Duration::from_secs(3600));
    harness
        .row("reading", "check, live deadline")
        .ours(each(|| black_box(&*late).check().is_err()))
        .go("Go", "ErrDeadline")
        .floor(CLOCK, each(Instant::now))
        .bound(times(1.25, CLOCK))
        .measure();
}

/// Each call is made on what the call before chose.
fn one_after_another(harness: &mut Harness) {
    fn chained<'a, T>(of: [&'a T; 2], ask: impl Fn(&T) -> bool + 'a) -> Timed<'a> {
        let mut at = 0;
        each(move || {
            at = usize::from(ask(black_box(&of)[at]));
            at
        })
    }
    let root = Context::background().with_cancel();
    let child: &Context = &root.with_cancel();
    let token = &CancellationToken::new().child_token();
    let bare = &AtomicBool::new(false);
    harness
        .row(
            "reading",
            "is_cancelled, live, each after the other (latency)",
        )
        .ours(chained([child; 2], Context::is_cancelled))
        .rival(TOKEN, chained([token; 2], CancellationToken::is_cancelled))
        .floor(FLAG, chained([bare; 2], |flag| flag.load(Acquire)))
        .measure();
}

fn handles(harness: &mut Harness) {
    let scope = Context::background().with_cancel();
    let ctx: Context = scope.clone();
    let token = CancellationToken::new();
    let shared = Arc::new(7_u64);
    harness
        .row("reading", "clone + drop a context")
        .ours(each(|| black_box(&ctx).clone()))
        .rival(TOKEN, each(|| black_box(&token).clone()))
        .floor(ARC, each(|| Arc::clone(black_box(&shared))))
        .bound(times(1.2, ARC))
        .measure();
}
