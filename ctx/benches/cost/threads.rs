//! Two threads that do the same at the same time.

use crate::timed::Timed;
use std::{hint::black_box, sync::Barrier, thread, time::Instant};

/// The mean of two threads that do the same at the same time.
pub(crate) fn two_threads<'a, T>(operation: impl Fn(usize) -> T + Sync + 'a) -> Timed<'a> {
    Box::new(move |times| {
        let (barrier, operation) = (&Barrier::new(2), &operation);
        let work = move |thread: usize| {
            // A new thread's first allocations are dear.
            for _ in 0..100 {
                black_box(operation(thread));
            }
            barrier.wait();
            let start = Instant::now();
            for _ in 0..times {
                black_box(operation(thread));
            }
            start.elapsed()
        };
        thread::scope(|scope| {
            let other = scope.spawn(move || work(1));
            (work(0) + other.join().expect("the other thread only measures")) / 2
        })
    })
}
