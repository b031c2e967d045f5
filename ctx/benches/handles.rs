//! What an await costs when `ctx` is a scope or an owned context, next to a reference.
//!
//! The macro borrows `ctx` for a checkpoint where the awaited expression cannot move it, so the three
//! should cost the same. `cargo bench -p ctx --bench handles` prints them, and fails when one of the first
//! two costs more than 3 ns above the third. Each figure is the smallest of many short batches, taken in
//! turns.

#![allow(clippy::cast_precision_loss, reason = "figures are for reading")]

#[path = "shared/leaf.rs"]
mod leaf;

use ctx::{Cancelled, Context, with_context};
use leaf::{Leaf, finish, waker};
use std::{hint::black_box, process::ExitCode, time::Instant};

const AWAITS: u32 = 1_000;
const ROUNDS: u32 = 2_000;
const LIMIT: f64 = 3.0;

#[with_context]
async fn on_a_reference(yields: u32) -> Result<(), Cancelled> {
    for _ in 0..AWAITS {
        Leaf(black_box(yields)).await;
    }
    Ok(())
}

#[with_context(owned)]
async fn on_an_owned_context(yields: u32) -> Result<(), Cancelled> {
    for _ in 0..AWAITS {
        Leaf(black_box(yields)).await;
    }
    Ok(())
}

#[with_context]
async fn on_a_scope(yields: u32) -> Result<(), Cancelled> {
    let ctx = ctx.with_cancel();
    for _ in 0..AWAITS {
        Leaf(black_box(yields)).await;
    }
    Ok(())
}

/// Nanoseconds for one await on a reference, an owned context and a scope, all equally deep in the tree.
fn measure(yields: u32) -> [f64; 3] {
    let root = Context::background().with_cancel();
    let leaf = root.with_cancel();
    let waker = &waker();
    let rows: [&dyn Fn() -> Result<(), Cancelled>; 3] = [
        &|| finish(on_a_reference(&leaf, yields), waker),
        &|| finish(on_an_owned_context(leaf.clone(), yields), waker),
        &|| finish(on_a_scope(&root, yields), waker),
    ];
    let mut best = [f64::MAX; 3];
    for _ in 0..ROUNDS {
        for (row, best) in rows.iter().zip(&mut best) {
            let start = Instant::now();
            let _ = black_box(row());
            let each = start.elapsed().as_nanos() as f64 / f64::from(AWAITS);
            *best = best.min(each);
        }
    }
    best
}

fn main() -> ExitCode {
    let mut worst = f64::MIN;
    for (title, yields) in [("await ready", 0), ("await pending once", 1)] {
        let [reference, owned, scope] = measure(yields);
        println!("\n{title}");
        println!("  {:<20} {reference:>8.1} ns", "on a reference");
        for (name, best) in [("on an owned context", owned), ("on a scope", scope)] {
            let more = best - reference;
            println!("  {name:<20} {best:>8.1} ns  {more:>+6.1} ns");
            worst = worst.max(more);
        }
    }
    println!("\nat most {worst:+.1} ns above a reference (limit {LIMIT:+.1} ns)");
    ExitCode::from(u8::from(worst > LIMIT))
}
