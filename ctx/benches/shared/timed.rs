//! Operations that time themselves.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// What a call of a contender takes: how often to run, and it says how long that took.
pub(crate) type Timed<'a> = Box<dyn FnMut(u64) -> Duration + 'a>;

/// An operation that is timed in a loop. The loop is in the figure, on every side of a row alike, and so is
/// the drop of what the operation gives.
pub(crate) fn each<'a, T>(mut operation: impl FnMut() -> T + 'a) -> Timed<'a> {
    Box::new(move |times| {
        let start = Instant::now();
        for _ in 0..times {
            black_box(operation());
        }
        start.elapsed()
    })
}

/// An operation on something that is made before the clock starts and dropped after it has stopped.
pub(crate) fn prepared<'a, P, T>(
    mut prepare: impl FnMut() -> P + 'a,
    mut operation: impl FnMut(&mut P) -> T + 'a,
) -> Timed<'a> {
    Box::new(move |times| {
        let mut total = Duration::ZERO;
        for _ in 0..times {
            let mut input = prepare();
            let start = Instant::now();
            let output = black_box(operation(&mut input));
            total += start.elapsed();
            drop((input, output));
        }
        total
    })
}
