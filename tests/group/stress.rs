//! Many tasks, of which one fails: always that one's error, and never a task that is alive after `wait`.

use super::helpers::{Census, Fault, ROOT};
use crate::support::Shuffle;
use ctx::TaskFailed;
use std::env;
use tokio::{runtime::Builder, task::yield_now};

const TASKS: usize = 10_000;

/// Rounds for every run of the tests; `CTX_GROUP_ROUNDS` asks for more.
const ROUNDS: usize = 10;

#[test]
fn g1_of_ten_thousand_tasks_the_one_that_fails_is_the_error() {
    let rounds = env::var("CTX_GROUP_ROUNDS").map_or(ROUNDS, |it| it.parse().expect("a number"));
    let runtime = Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    let mut random = Shuffle(0x9E37_79B9_7F4A_7C15);
    for round in 0..rounds {
        let (limit, failing) = ([TASKS, 100, 1][round % 3], random.below(TASKS));
        let yields = random.below(4);
        runtime.block_on(one_round(limit, failing, yields));
    }
}

async fn one_round(limit: usize, failing: usize, yields: usize) {
    let census = Census::default();
    let mut group = ROOT.group::<usize, Fault>().limit(limit);
    for index in 0..TASKS {
        let census = census.clone();
        group.spawn(move |ctx| async move {
            let _alive = census.alive();
            for _ in 0..yields {
                yield_now().await;
            }
            if index == failing {
                return Err(Fault::new(&format!("task {index}")));
            }
            if limit == TASKS && index % 7 == 0 {
                // It ends only if it hears of the failure, and it ends well. With a limit, those that wait
                // would soon take all places, and the one that fails would never start.
                let cancelled = ctx.done().await;
                let cause = cancelled.cause_as::<TaskFailed>().expect("a task failed");
                assert_eq!(cause.index, failing);
            }
            Ok(index)
        });
    }
    let error = group.wait().await.unwrap_err();
    assert_eq!(error.to_string(), format!("task {failing}"));
    assert_eq!(census.count(), 0);
}
