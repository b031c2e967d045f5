//! Numbers that look random and that a seed gives back.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{iter, thread};

/// `SplitMix64`, which any seed serves.
pub(super) struct Random(u64);

impl Random {
    /// The numbers for one of many rounds. They do not depend on the others, nor on who runs them.
    pub(super) fn of_round(seed: u64, round: u64) -> Random {
        let mut random = Random(seed);
        Random(random.next() ^ Random(round).next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).expect("a small number");
        usize::try_from(self.next() % end).expect("a small number")
    }

    /// True once in `n` times.
    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

/// The seed of the environment, or always the same. It is printed, so that a failure can be had again.
pub(super) fn seed() -> u64 {
    let seed = number("CTX_FUZZ_SEED").unwrap_or(0x00c0_ffee);
    println!("CTX_FUZZ_SEED={seed}");
    seed
}

/// Runs rounds on all processors, and adds up what they return.
pub(super) fn rounds(count: u64, round: impl Fn(u64) -> usize + Sync) -> usize {
    let next = AtomicU64::new(0);
    let worker = || {
        let rounds = iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        rounds
            .take_while(|at| *at < count)
            .map(&round)
            .sum::<usize>()
    };
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, NonZero::get);
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        let results = workers.into_iter().map(thread::ScopedJoinHandle::join);
        results
            .map(|result| result.unwrap_or_else(|panic| resume_unwind(panic)))
            .sum()
    })
}

/// A number of the environment.
pub(super) fn number<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}
