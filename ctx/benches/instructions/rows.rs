//! The hot operations, each as a row of `benches/cost` has it.

use crate::{
    awaits,
    callgrind::{row, row_of, row_on},
    chain,
    keys::{KEYS, MISSING, layers},
    leaf::{Leaf, finish, waker},
    sixteen,
};
use ctx::{CancelScope, Context, DoneOwned};
use std::{
    future::Future,
    hint::black_box,
    pin::Pin,
    task::{Context as TaskContext, Waker},
    time::Duration,
};

const OFTEN: u32 = 1_000;
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn run() {
    row("the loop, and nothing in it", OFTEN, || ());
    let root = Context::background().with_cancel();
    reading(&root);
    deriving(&root);
    values(&root);
    let waker = &waker();
    awaiting(&root, waker);
    under_a_deadline(&root, waker);
    cancelling(waker);
}

fn reading(root: &Context) {
    let child: &Context = &root.with_cancel();
    let [two, three, layered] = [2, 3, 16].map(|count| layers(child, count, 1));
    let late: &Context = &root.with_timeout(HOUR);
    let mut scopes: Vec<CancelScope> = vec![root.with_cancel()];
    for depth in 1..1_000 {
        scopes.push(scopes[depth - 1].with_cancel());
    }
    let deep: &Context = &scopes[999];
    let ended = root.with_cancel();
    ended.cancel();
    let ended: &Context = &ended;
    for (name, ctx) in [
        ("is_cancelled, live", root),
        ("is_cancelled, live, below a live parent", child),
        ("is_cancelled, live, behind 2 values", &two),
        ("is_cancelled, live, behind 3 values", &three),
        ("is_cancelled, live, behind 16 values", &layered),
        ("is_cancelled, live, at depth 1,000", deep),
        ("is_cancelled, cancelled", ended),
        ("is_cancelled, live deadline", late),
    ] {
        row(name, OFTEN, || black_box(ctx).is_cancelled());
    }
    row("check, live", OFTEN, || black_box(child).check().is_err());
    row("check, live deadline", OFTEN, || {
        black_box(late).check().is_err()
    });
    row("check, cancelled", OFTEN, || black_box(ended).check());
    row("err, cancelled", OFTEN, || black_box(ended).err());
    row("clone + drop a context", OFTEN, || black_box(root).clone());
}

fn deriving(root: &Context) {
    row("derive + end a scope", OFTEN, || {
        black_box(root).with_cancel()
    });
    row("derive, cancel by a call, and drop", OFTEN, || {
        black_box(root).with_cancel().cancel()
    });
    row("derive + end a scope with a deadline", OFTEN, || {
        black_box(root).with_timeout(black_box(HOUR))
    });
    let other = Context::background().with_cancel();
    row("merge two contexts and drop the result", OFTEN, || {
        black_box(root).merge(black_box(&other))
    });
}

fn values(root: &Context) {
    let deep = layers(root, 100, 20);
    row("a value, 100 layers deep: hit", OFTEN, || {
        black_box(&deep).value(KEYS[0]).copied()
    });
    row("a value, 100 layers deep: miss", OFTEN, || {
        black_box(&deep).value(&MISSING).copied()
    });
    for (name, keys) in [
        ("with_value, 3 keys in view", 3),
        ("with_value, 4 keys in view", 4),
        ("with_value, 19 keys in view", 19),
        ("with_value, 20 keys in view", 20),
    ] {
        let below = layers(root, keys - 1, keys - 1);
        row(name, OFTEN, || {
            black_box(&below).with_value(KEYS[keys - 1], black_box(7))
        });
    }
    // Each of these is put on one that has none above it yet.
    for (name, count) in [("a chain of 8 values", 8), ("a chain of 20 values", 20)] {
        row(name, OFTEN, || layers(black_box(root), count, count));
    }
}

fn awaiting(root: &Context, waker: &Waker) {
    let ctx: &Context = &root.with_cancel();
    row("await ready, in an annotated function", OFTEN, || {
        finish(awaits::one(black_box(ctx), black_box(0)), waker)
    });
    row("await ready, by hand", OFTEN, || {
        finish(
            black_box(ctx).run_until_cancelled(Leaf(black_box(0))),
            waker,
        )
    });
    row(
        "await pending once, in an annotated function",
        OFTEN,
        || finish(awaits::one(black_box(ctx), black_box(1)), waker),
    );
    row_of(
        "await pending, one of 10,000 in one annotated function",
        1,
        10_000,
        || finish(awaits::many(black_box(ctx), 10_000, 1), waker),
    );
    row("16 nested annotated functions, 100 yields", 10, || {
        finish(sixteen::outermost(black_box(ctx), 100), waker)
    });
    row(
        "one annotated function, 16 deep in itself, 100 yields",
        10,
        || finish(chain::nested(black_box(ctx), 16, 100), waker),
    );
}

/// Inside a runtime that sleeps until an earlier timer, so that no timer has to wake its driver.
fn under_a_deadline(root: &Context, waker: &Waker) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime is to be had");
    let _entered = runtime.enter();
    let mut earlier = Box::pin(tokio::time::sleep(HOUR / 2));
    let mut cx = TaskContext::from_waker(waker);
    assert!(earlier.as_mut().poll(&mut cx).is_pending());
    runtime.block_on(tokio::time::sleep(Duration::from_millis(2)));
    let late: &Context = &root.with_timeout(HOUR);
    row(
        "await ready, in an annotated function, live deadline",
        OFTEN,
        || finish(awaits::one(black_box(late), black_box(0)), waker),
    );
    row(
        "derive a deadline, await pending once, done in time",
        OFTEN,
        || {
            let once = async {
                let scope = black_box(root).with_timeout(black_box(HOUR));
                scope.run_until_cancelled(Leaf(black_box(1))).await
            };
            finish(once, waker)
        },
    );
}

const CHILDREN: u32 = 1_000;

fn cancelling(waker: &Waker) {
    let families = || (0..4).map(|_| Context::background().with_cancel());
    let idle = families().map(|root| {
        let children: Vec<CancelScope> = (0..CHILDREN).map(|_| root.with_cancel()).collect();
        (root, children)
    });
    row_on(
        "cancel 1,000 idle children, each",
        CHILDREN,
        idle.collect(),
        |it| it.0.cancel(),
    );
    let mut cx = TaskContext::from_waker(waker);
    let waiting = families().map(|root| {
        let waiters = (0..CHILDREN).map(|_| {
            let mut done: DoneOwned = root.with_cancel().detach().done_owned();
            assert!(Pin::new(&mut done).poll(&mut cx).is_pending());
            done
        });
        let waiters: Vec<DoneOwned> = waiters.collect();
        (root, waiters)
    });
    row_on(
        "cancel 1,000 waiting children, each",
        CHILDREN,
        waiting.collect(),
        |it| it.0.cancel(),
    );
}
