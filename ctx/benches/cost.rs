//! What the operations cost, next to tokio-util's `CancellationToken` and to an allocation.
//!
//! `cargo bench -p ctx` prints the table that the README quotes; `-- waiting` one section of it. Each figure is the smallest of many
//! short batches, taken in turns, so that a noisy neighbour hits all alike; read the ratios.

#![allow(clippy::cast_precision_loss, reason = "figures are for reading")]

#[path = "shared/yields.rs"]
mod yields;

use ctx::{Context, ctx_value};
use std::{
    future::Future,
    hint::black_box,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context as TaskContext, Poll, Wake, Waker},
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use yields::Yields;

ctx_value! { HIT: u64; MISS: u64; OTHER: u64; }

struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

fn run<F: Future>(future: F, waker: &Waker) -> F::Output {
    let mut future = pin!(future);
    let mut cx = TaskContext::from_waker(waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

struct Bench<'a> {
    name: &'static str,
    /// Runs the operation once and is timed in batches.
    operation: Box<dyn FnMut() + 'a>,
    best: f64,
    batch: u32,
}

#[derive(Default)]
struct Table<'a> {
    rows: Vec<Bench<'a>>,
}

impl<'a> Table<'a> {
    fn row(&mut self, name: &'static str, mut operation: impl FnMut() + 'a) {
        let start = Instant::now();
        let mut batch = 0;
        while start.elapsed() < Duration::from_millis(4) {
            operation();
            batch += 1;
        }
        self.rows.push(Bench {
            name,
            operation: Box::new(operation),
            best: f64::MAX,
            batch: batch.max(1),
        });
    }

    fn measure(&mut self) {
        for _ in 0..60 {
            for row in &mut self.rows {
                let start = Instant::now();
                for _ in 0..row.batch {
                    (row.operation)();
                }
                let each = start.elapsed().as_nanos() as f64 / f64::from(row.batch);
                row.best = row.best.min(each);
            }
        }
    }

    fn print(&self, title: &str) {
        println!("\n{title}");
        for row in &self.rows {
            println!("  {:<58} {:>12.1} ns", row.name, row.best);
        }
    }

    fn run(mut self, title: &str) {
        self.measure();
        self.print(title);
    }
}

fn reading() {
    let root = Context::background().with_cancel();
    let leaf = root.with_cancel();
    let late = root.with_timeout(Duration::from_secs(3600));
    let layered = (0..16).fold(leaf.clone(), |ctx, n| ctx.with_value(&OTHER, n));
    let ended = root.with_cancel();
    ended.cancel();
    let token = CancellationToken::new().child_token();
    let mut table = Table::default();
    table.row("loop and call, nothing else", || {
        black_box(());
    });
    table.row("is_cancelled, live", || {
        black_box(black_box(&*root).is_cancelled());
    });
    table.row("is_cancelled, live, asks its parent", || {
        black_box(black_box(&*leaf).is_cancelled());
    });
    table.row("is_cancelled, live, behind 16 values", || {
        black_box(black_box(&layered).is_cancelled());
    });
    table.row("is_cancelled, cancelled", || {
        black_box(black_box(&*ended).is_cancelled());
    });
    table.row("is_cancelled, live, with a deadline", || {
        black_box(black_box(&*late).is_cancelled());
    });
    table.row("Instant::now", || {
        black_box(Instant::now());
    });
    table.row("token: is_cancelled, live", || {
        black_box(black_box(&token).is_cancelled());
    });
    table.run("reading");
}

fn values() {
    let one = Context::background().with_value(&HIT, 1);
    let deep = (0..100).fold(one.clone(), |ctx, n| ctx.with_value(&OTHER, n));
    let mut table = Table::default();
    table.row("value, hit, 1 layer", || {
        black_box(black_box(&one).value(&HIT));
    });
    table.row("value, hit, 101 layers", || {
        black_box(black_box(&deep).value(&HIT));
    });
    table.row("value, miss, 101 layers", || {
        black_box(black_box(&deep).value(&MISS));
    });
    table.row("with_value and drop", || {
        black_box(black_box(&deep).with_value(&OTHER, 7));
    });
    table.run("values");
}

fn deriving() {
    let root = Context::background().with_cancel();
    let other = Context::background().with_cancel();
    let valued = root.with_value(&HIT, 1);
    let token = CancellationToken::new();
    let mut table = Table::default();
    table.row("Arc::new and drop", || {
        black_box(Arc::new(black_box(7_u64)));
    });
    table.row("with_cancel and drop", || {
        drop(black_box(black_box(&*root).with_cancel()));
    });
    table.row("with_cancel and drop, below a value", || {
        drop(black_box(black_box(&valued).with_cancel()));
    });
    table.row("with_timeout and drop", || {
        drop(black_box(
            black_box(&*root).with_timeout(Duration::from_secs(1)),
        ));
    });
    table.row("with_cancel, cancel and drop", || {
        let scope = black_box(&*root).with_cancel();
        black_box(scope.cancel());
    });
    table.row("merge and drop", || {
        drop(black_box(black_box(&*root).merge(&other)));
    });
    table.row("clone and drop", || {
        black_box(black_box(&*root).clone());
    });
    table.row("token: child_token, cancel and drop", || {
        let child = black_box(&token).child_token();
        child.cancel();
        black_box(child);
    });
    table.row("token: clone and drop", || {
        black_box(black_box(&token).clone());
    });
    table.run("deriving");
}

async fn chain(ctx: &Context, depth: u32, yields: u32) {
    if depth == 0 {
        for _ in 0..yields {
            let _ = ctx.run_until_cancelled(Yields(1)).await;
        }
    } else {
        let _ = ctx
            .run_until_cancelled(Box::pin(chain(ctx, depth - 1, yields)))
            .await;
    }
}

async fn token_chain(token: &CancellationToken, depth: u32, yields: u32) {
    if depth == 0 {
        for _ in 0..yields {
            token.run_until_cancelled(Yields(1)).await;
        }
    } else {
        let inner: Pin<Box<dyn Future<Output = ()>>> =
            Box::pin(token_chain(token, depth - 1, yields));
        token.run_until_cancelled(inner).await;
    }
}

async fn bare_chain(depth: u32, yields: u32) {
    if depth == 0 {
        for _ in 0..yields {
            Yields(1).await;
        }
    } else {
        let inner: Pin<Box<dyn Future<Output = ()>>> = Box::pin(bare_chain(depth - 1, yields));
        inner.await;
    }
}

fn waiting() {
    let waker = &Waker::from(Arc::new(Nobody));
    let root = Context::background().with_cancel();
    let ctx = &root.with_cancel();
    let late = &root.with_timeout(Duration::from_secs(3600));
    let token = &CancellationToken::new();
    let mut table = Table::default();
    table.row("await ready, bare", || run(Yields(0), waker));
    table.row("await ready", || {
        let _ = black_box(run(ctx.run_until_cancelled(Yields(0)), waker));
    });
    table.row("token: await ready", || {
        black_box(run(token.run_until_cancelled(Yields(0)), waker));
    });
    table.row("await pending once, bare", || run(Yields(1), waker));
    table.row("await pending once", || {
        let _ = black_box(run(ctx.run_until_cancelled(Yields(1)), waker));
    });
    table.row("await pending once, with a deadline (timer thread)", || {
        let _ = black_box(run(late.run_until_cancelled(Yields(1)), waker));
    });
    table.row("token: await pending once", || {
        black_box(run(token.run_until_cancelled(Yields(1)), waker));
    });
    table.row("16 nested, 100 yields, bare", || {
        run(bare_chain(15, 100), waker);
    });
    table.row("16 nested, 100 yields", || run(chain(ctx, 15, 100), waker));
    table.row("token: 16 nested, 100 yields", || {
        run(token_chain(token, 15, 100), waker);
    });
    table.run("waiting");
}

fn cancelling() {
    let mut table = Table::default();
    for (name, tokens, count) in [
        ("cancel 1,000 linked children", false, 1_000),
        ("token: cancel 1,000 children", true, 1_000),
        ("cancel 100,000 linked children", false, 100_000),
        ("token: cancel 100,000 children", true, 100_000),
    ] {
        let mut best = f64::MAX;
        for _ in 0..if count > 1_000 { 7 } else { 200 } {
            best = best.min(if tokens {
                cancel_tokens(count)
            } else {
                cancel_contexts(count)
            });
        }
        table.rows.push(Bench {
            name,
            operation: Box::new(|| ()),
            best,
            batch: 1,
        });
    }
    table.print("cancelling");
}

fn cancel_contexts(count: usize) -> f64 {
    let root = Context::background().with_cancel();
    let mut cx = TaskContext::from_waker(Waker::noop());
    let mut waiters: Vec<_> = (0..count)
        .map(|_| root.with_cancel().detach().done_owned())
        .collect();
    for waiter in &mut waiters {
        assert!(Pin::new(waiter).poll(&mut cx).is_pending());
    }
    let start = Instant::now();
    root.cancel();
    start.elapsed().as_nanos() as f64
}

fn cancel_tokens(count: usize) -> f64 {
    let root = CancellationToken::new();
    let mut cx = TaskContext::from_waker(Waker::noop());
    let mut waiters: Vec<_> = (0..count)
        .map(|_| Box::pin(root.child_token().cancelled_owned()))
        .collect();
    for waiter in &mut waiters {
        assert!(waiter.as_mut().poll(&mut cx).is_pending());
    }
    let start = Instant::now();
    root.cancel();
    start.elapsed().as_nanos() as f64
}

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    let sections: [(&str, fn()); 5] = [
        ("reading", reading),
        ("values", values),
        ("deriving", deriving),
        ("waiting", waiting),
        ("cancelling", cancelling),
    ];
    for (name, section) in sections {
        if wanted.is_empty() || wanted.iter().any(|it| it == name) {
            section();
        }
    }
}
