//! What a group costs, next to what one would write without it.
//!
//! `cargo bench -p ctx --bench group` runs 100,000 tasks with at most 100 at once, two ways:
//!
//! - *bare*: a `JoinSet` and a `Semaphore` of 100 permits. A permit is acquired before each spawn and given
//!   back by the task; what has ended is joined after each spawn, which is faster than joining all at
//!   the end, and each result put into its place;
//! - *group*: `ctx.group().limit(100)`, spawn, wait.
//!
//! Each task yields once and returns its number. Figures are the medians of many rounds taken in turns, so
//! that a noisy neighbour hits both alike; read the ratio.

#![allow(clippy::cast_precision_loss, reason = "figures are for reading")]

use ctx::{Cancelled, Context};
use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::Semaphore,
    task::{JoinError, JoinSet, yield_now},
};

const TASKS: usize = 100_000;
const LIMIT: usize = 100;
const ROUNDS: usize = 15;

async fn work(number: usize) -> Result<usize, Cancelled> {
    yield_now().await;
    Ok(black_box(number))
}

async fn bare() -> Vec<usize> {
    let permits = Arc::new(Semaphore::new(LIMIT));
    let mut set = JoinSet::new();
    let mut results = vec![0; TASKS];
    let mut store = |joined: Result<(usize, Result<usize, Cancelled>), JoinError>| {
        let (index, result) = joined.expect("no panic");
        results[index] = result.expect("no error");
    };
    for index in 0..TASKS {
        let permit = Arc::clone(&permits).acquire_owned().await;
        set.spawn(async move {
            let result = work(index).await;
            drop(permit);
            (index, result)
        });
        while let Some(joined) = set.try_join_next() {
            store(joined);
        }
    }
    while let Some(joined) = set.join_next().await {
        store(joined);
    }
    results
}

async fn group() -> Vec<usize> {
    let ctx = Context::background().with_cancel();
    let mut group = ctx.group().limit(LIMIT);
    for index in 0..TASKS {
        group.spawn(move |_ctx| work(index));
    }
    group.wait().await.expect("no error")
}

fn time<F: Future<Output = Vec<usize>> + Send + 'static>(
    runtime: &Runtime,
    run: fn() -> F,
) -> Duration {
    let start = Instant::now();
    // Spawned, as a request is: the thread that blocks on a runtime is none of its workers.
    let results = runtime.block_on(async { tokio::spawn(run()).await });
    let took = start.elapsed();
    assert_eq!(results.expect("no panic")[TASKS - 1], TASKS - 1);
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn compare(name: &str, runtime: &Runtime) {
    let (mut bares, mut groups) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bares.push(time(runtime, bare));
        groups.push(time(runtime, group));
    }
    let (bare, group) = (median(bares), median(groups));
    println!(
        "{name:<16} bare {bare:>8.1?}  group {group:>8.1?}  ratio {:.2}",
        group.as_secs_f64() / bare.as_secs_f64()
    );
}

fn main() {
    println!("{TASKS} tasks, {LIMIT} at once");
    compare(
        "one thread",
        &Builder::new_current_thread().build().expect("a runtime"),
    );
    compare(
        "two threads",
        &Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .expect("a runtime"),
    );
}
