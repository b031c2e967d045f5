//! Making a context and ending it, with nobody waiting for it.

use crate::{
    bound::{times, times_sum},
    harness::Harness,
    threads::two_threads,
    timed::each,
};
use ctx::{Context, ctx_value};
use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

ctx_value! { LAYER: u64; }

const TOKEN: &str = "child_token + drop";
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn rows(harness: &mut Harness) {
    let root = Context::background().with_cancel();
    let token = CancellationToken::new();
    one_thread(harness, &root, &token);
    more_than_drop(harness, &root, &token);
    from_two_threads(harness);
    with_a_deadline(harness, &root);
}

fn one_thread(harness: &mut Harness, root: &Context, token: &CancellationToken) {
    harness
        .row("deriving", "derive + end a scope")
        .ours(each(|| black_box(root).with_cancel()))
        .rival(TOKEN, each(|| black_box(token).child_token()))
        .go("Go's WithCancel + cancel", "Derive")
        .floor("Arc::new + drop", each(|| Arc::new(black_box(7_u64))))
        .bound(times(0.45, TOKEN))
        .bound(times(0.25, "Go's WithCancel + cancel"))
        .measure();
}

fn more_than_drop(harness: &mut Harness, root: &Context, token: &CancellationToken) {
    let cancelled = |token: &CancellationToken| {
        let child = token.child_token();
        child.cancel();
        child
    };
    harness
        .row("deriving", "derive, cancel by a call, and drop")
        .ours(each(|| black_box(root).with_cancel().cancel()))
        .rival(
            "child_token, cancel + drop",
            each(|| cancelled(black_box(token))),
        )
        .measure();
    let valued = root.with_value(&LAYER, 1);
    harness
        .row("deriving", "derive + end a scope below a value")
        .ours(each(|| black_box(&valued).with_cancel()))
        .go("Go", "DeriveBelowValue")
        .measure();
    let other = Context::background().with_cancel();
    harness
        .row("deriving", "merge two contexts and drop the result")
        .ours(each(|| black_box(root).merge(black_box(&other))))
        .measure();
}

fn from_two_threads(harness: &mut Harness) {
    let roots = [(); 2].map(|()| Context::background().with_cancel());
    let tokens = [(); 2].map(|()| CancellationToken::new());
    harness
        .row(
            "deriving",
            "derive + end a scope, two threads on one parent",
        )
        .ours(two_threads(|_| black_box(&*roots[0]).with_cancel()))
        .rival(TOKEN, two_threads(|_| black_box(&tokens[0]).child_token()))
        .go("Go", "DeriveTwoThreads")
        .bound(times(0.35, TOKEN))
        .threads()
        .measure();
    harness
        .row(
            "deriving",
            "derive + end a scope, two threads on parents of their own",
        )
        .ours(two_threads(|it| black_box(&*roots[it]).with_cancel()))
        .rival(
            TOKEN,
            two_threads(|it| black_box(&tokens[it]).child_token()),
        )
        .threads()
        .measure();
}

fn with_a_deadline(harness: &mut Harness, root: &Context) {
    const SUM: [(f64, &str); 2] = [(1.0, "derive + end"), (1.0, "Instant::now")];
    harness
        .row("deriving", "derive + end a scope with a deadline")
        .ours(each(|| black_box(root).with_timeout(black_box(HOUR))))
        .go("Go's WithTimeout + cancel", "DeriveDeadline")
        .floor(SUM[0].1, each(|| black_box(root).with_cancel()))
        .floor(SUM[1].1, each(Instant::now))
        .bound(times_sum(1.1, &SUM))
        .bound(times(0.3, "Go's WithTimeout + cancel"))
        .measure();
}
