//! C1 to C4 and C8 for trees of futures, contexts and schedules that nobody thought of.
//!
//! A case is a tape of numbers: it says which contexts are made, which futures are built on them, and
//! what happens to them. Every checkpoint is spied on, and whatever breaks a rule is a fault. What lies
//! after the end of the tape counts as zero, which stands for the simplest choice.

mod awaits;
mod build;
mod case;
mod log;
mod places;
mod spies;

use case::Case;
use proptest::{
    collection::vec,
    prelude::any,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

struct Tape(std::vec::IntoIter<u8>);

impl Tape {
    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.0.next().unwrap_or(0)) % limit
    }

    fn is_over(&self) -> bool {
        self.0.as_slice().is_empty()
    }
}

/// What broke a rule. One that `tells` prints what it consists of and what happens.
fn faults(tape: Vec<u8>, tells: bool) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let case = Case::new(tells);
    runtime.block_on(case.run(Tape(tape.into_iter())))
}

/// `CTX_TAPE` runs one case again and tells it, `CTX_SEED` other ones, and `CTX_CASES` so many of them.
#[test]
fn c8_random_trees_keep_the_rules() {
    if let Ok(tape) = std::env::var("CTX_TAPE") {
        let numbers = tape.split(',').map(|it| it.trim().parse().expect("a byte"));
        let faults = faults(numbers.collect(), true);
        assert!(faults.is_empty(), "{faults:?}");
        return;
    }
    let cases = std::env::var("CTX_CASES").map_or(1_500, |it| it.parse().expect("a number"));
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let rng = match std::env::var("CTX_SEED") {
        Ok(seed) => TestRng::from_seed(RngAlgorithm::ChaCha, &[seed.parse().expect("a byte"); 32]),
        Err(_) => TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&vec(any::<u8>(), 1..150), |tape| {
        let faults = faults(tape, false);
        proptest::prop_assert!(faults.is_empty(), "{faults:?}");
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
