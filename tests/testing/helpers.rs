//! What these tests share.

use ctx::testing::Sweep;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// The text that `act` panics with.
#[track_caller]
pub(crate) fn panic_of<R>(act: impl FnOnce() -> R) -> String {
    let panicked = catch_unwind(AssertUnwindSafe(act));
    let panicked = panicked.err().expect("it should panic");
    match panicked.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => (*other.downcast::<&str>().expect("a text")).to_owned(),
    }
}

/// The runs as they print, with the file cut off: `40:31, at its start`.
pub(crate) fn places<T>(sweep: &Sweep<T>) -> Vec<String> {
    let short = |run: String| match run.rsplit_once(".rs:") {
        Some((_, place)) => place.to_owned(),
        None => run,
    };
    sweep.iter().map(|run| short(run.to_string())).collect()
}

/// What each run gave, in their order.
pub(crate) fn outputs<T: Clone>(sweep: &Sweep<T>) -> Vec<T> {
    sweep.iter().map(|run| run.output().clone()).collect()
}

/// How the runs were cancelled: `.` is undisturbed, `S` at the start, `P` while pending.
pub(crate) fn halves<T>(sweep: &Sweep<T>) -> String {
    let letter = |half| match half {
        None => '.',
        Some(ctx::testing::Half::Start) => 'S',
        Some(ctx::testing::Half::Pending) => 'P',
    };
    sweep.iter().map(|run| letter(run.half())).collect()
}
