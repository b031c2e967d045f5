//! The sweep: a body that is run once for each half of each checkpoint.

use super::{
    heard::Plan,
    place::{Half, Place},
    run::run,
    watchdog::Watchdog,
};
use crate::context::Context;
use std::{fmt, future::Future, panic::Location, slice, time::Duration};
use tokio::runtime::Handle;

/// How often a run is repeated that does not come to its checkpoint.
const ATTEMPTS: usize = 64;

/// The watchdog's period. It finds a run that was silent for one of them, after two.
const PERIOD: Duration = Duration::from_secs(15);

/// Runs `body` once undisturbed, and then again for each half of each checkpoint that it passed, with its
/// context cancelled exactly there.
///
/// - `body` gets the context that is cancelled. It makes what else it needs afresh for each run, and its
///   output is what the test looks at.
/// - A checkpoint is passed when an `.await` of an annotated function, a `run_until_cancelled` or a
///   [`check`](Context::check) starts on that context or on one derived from it, on any task, and on the
///   threads of `spawn_blocking`. Each pass counts, also of the same line, and of each function in a
///   chain of calls. What is on `without_cancel`, as under `#[shield]`, cannot be cancelled and does not
///   count; neither does `done()`, which is a signal.
/// - [`Half::Start`]: the context ends before the checkpoint looks at it, so its future is not polled.
/// - [`Half::Pending`]: the context ends when the checkpoint's future has been polled and is pending for
///   the first time. It is dropped there, although in the next poll it might be ready. Where a checkpoint
///   inside is pending, that one decides, and the moment is its own. Where a shield or a `between` call
///   inside is pending, the cancellation comes in the middle of it, and is held up. A `between` checkpoint
///   itself, and a `check`, have the first half only.
/// - Every run has a current-thread runtime of its own, whose clock is paused and moves by itself: waiting
///   costs no time, and a body that does the same in each run gives the same sweep each time.
/// - A run never hangs: what does not end is a panic that names the await.
///
/// # Panics
///
/// With the line of the checkpoint, where there is one:
///
/// - if `body` panics;
/// - if a run does not end: if nobody is left who could wake it, if nothing happens in it for an hour of its
///   clock after the cancellation (a year, before it), if that clock stands still for half a minute, or if
///   its body is polled, or passes checkpoints, a hundred thousand times;
/// - if a checkpoint of the undisturbed run is not passed in 64 other runs, so `body` does not do the same
///   each time;
/// - if it is called inside a tokio runtime, as by a `#[tokio::test]`, since it brings its own.
///
/// # Examples
///
/// ```
/// use ctx::{Cancelled, Context, testing::cancel_at_every_checkpoint, with_context};
///
/// #[with_context]
/// async fn both(log: &std::sync::Mutex<Vec<u8>>) -> Result<(), Cancelled> {
///     let write = async |byte| log.lock().unwrap().push(byte);
///     write(1).await;
///     write(2).await;
///     Ok(())
/// }
///
/// let sweep = cancel_at_every_checkpoint(|ctx| async move {
///     let log = Default::default();
///     let _ = both(&ctx, &log).await;
///     log.into_inner().unwrap()
/// });
/// assert_eq!(sweep.checkpoints(), 2);
/// let outputs: Vec<_> = sweep.iter().map(|run| run.output().as_slice()).collect();
/// assert_eq!(outputs, [&[1, 2][..], &[], &[1]]);
/// ```
#[track_caller]
pub fn cancel_at_every_checkpoint<F, Fut>(body: F) -> Sweep<Fut::Output>
where
    F: Fn(Context) -> Fut,
    Fut: Future,
{
    sweep(&body, PERIOD)
}

#[track_caller]
fn sweep<F, Fut>(body: &F, period: Duration) -> Sweep<Fut::Output>
where
    F: Fn(Context) -> Fut,
    Fut: Future,
{
    assert!(
        Handle::try_current().is_err(),
        "`cancel_at_every_checkpoint` brings its own runtime: call it in a plain `#[test]` fn, and not \
         inside a tokio runtime as in `#[tokio::test]`"
    );
    let by = Location::caller();
    let watchdog = Watchdog::every(period);
    let undisturbed = run(body, None, &watchdog);
    let checkpoints = undisturbed.passed.len();
    let mut runs = vec![Run {
        output: undisturbed.output,
        place: None,
    }];
    for pass in undisturbed.passed {
        let second = pass.pends.then_some(Half::Pending);
        for half in std::iter::once(Half::Start).chain(second) {
            let (at, time) = (pass.at, pass.time);
            runs.push(run_to(Place { at, time, half }, by, body, &watchdog));
        }
    }
    Sweep { runs, checkpoints }
}

/// One run that is cancelled at `place`.
#[track_caller]
fn run_to<F, Fut>(
    place: Place,
    by: &'static Location<'static>,
    body: &F,
    watchdog: &Watchdog,
) -> Run<Fut::Output>
where
    F: Fn(Context) -> Fut,
    Fut: Future,
{
    for _ in 0..ATTEMPTS {
        let plan = Plan {
            only: Some(place.at),
            nth: place.time,
            half: place.half,
            by,
        };
        let ran = run(body, Some(plan), watchdog);
        if ran.delivered.is_some() {
            return Run {
                output: ran.output,
                place: Some(place),
            };
        }
    }
    panic!(
        "the undisturbed run came to {place}, and {ATTEMPTS} more runs did not. The body must do the same \
         in each run: does it keep something from one to the next, or depend on chance (a `select!` \
         without `biased`, the order of a `HashMap`)?"
    )
}

/// The runs of one body: the undisturbed one first, then those that were cancelled, in the order of the
/// checkpoints, and the two halves of one next to each other.
///
/// # Examples
///
/// ```
/// let sweep = ctx::testing::cancel_at_every_checkpoint(|ctx| async move { ctx.check().is_ok() });
/// for run in &sweep {
///     assert_eq!(*run.output(), run.cancelled_at().is_none(), "{run}");
/// }
/// assert_eq!(sweep.checkpoints(), 1);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a sweep finds nothing unless its runs are looked at"]
pub struct Sweep<T> {
    runs: Vec<Run<T>>,
    checkpoints: usize,
}

impl<T> Sweep<T> {
    /// How many checkpoints the undisturbed run passed. There are up to two runs for each.
    ///
    /// # Examples
    ///
    /// ```
    /// let sweep = ctx::testing::cancel_at_every_checkpoint(|_| async {});
    /// assert_eq!(sweep.checkpoints(), 0);
    /// assert_eq!(sweep.iter().count(), 1, "the undisturbed run");
    /// ```
    #[must_use]
    pub fn checkpoints(&self) -> usize {
        self.checkpoints
    }

    /// The runs, as `for run in &sweep` has them.
    ///
    /// # Examples
    ///
    /// ```
    /// let sweep = ctx::testing::cancel_at_every_checkpoint(|_| async { 7 });
    /// assert!(sweep.iter().all(|run| *run.output() == 7));
    /// ```
    pub fn iter(&self) -> slice::Iter<'_, Run<T>> {
        self.runs.iter()
    }
}

impl<'a, T> IntoIterator for &'a Sweep<T> {
    type Item = &'a Run<T>;
    type IntoIter = slice::Iter<'a, Run<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One run of a body: where it was cancelled, and what it gave.
///
/// It prints as the place, for the messages of assertions: `src/bank.rs:40:31, while pending`, or with a
/// line that is passed more than once, `src/bank.rs:40:31 (time 3), at its start`.
///
/// # Examples
///
/// ```
/// let sweep = ctx::testing::cancel_at_every_checkpoint(|ctx| async move { ctx.check().is_ok() });
/// let printed: Vec<_> = sweep.iter().map(ToString::to_string).collect();
/// assert_eq!(printed[0], "undisturbed");
/// assert!(printed[1].ends_with(", at its start"));
/// ```
#[derive(Clone, Debug)]
pub struct Run<T> {
    output: T,
    place: Option<Place>,
}

impl<T> Run<T> {
    /// What the body gave.
    ///
    /// # Examples
    ///
    /// ```
    /// let sweep = ctx::testing::cancel_at_every_checkpoint(|_| async { 7 });
    /// assert_eq!(sweep.iter().next().unwrap().output(), &7);
    /// ```
    pub fn output(&self) -> &T {
        &self.output
    }

    /// The line of the checkpoint at which the context was cancelled; `None` for the undisturbed run.
    ///
    /// # Examples
    ///
    /// ```
    /// let sweep = ctx::testing::cancel_at_every_checkpoint(|ctx| async move { ctx.check().err() });
    /// for run in &sweep {
    ///     let noticed_at = run.output().as_ref().and_then(|cancelled| cancelled.noticed_at());
    ///     assert_eq!(run.cancelled_at(), noticed_at);
    /// }
    /// ```
    #[must_use]
    pub fn cancelled_at(&self) -> Option<&'static Location<'static>> {
        Some(self.place?.at)
    }

    /// The half of that checkpoint; `None` for the undisturbed run.
    ///
    /// # Examples
    ///
    /// ```
    /// use ctx::testing::{Half, cancel_at_every_checkpoint};
    ///
    /// let sweep = cancel_at_every_checkpoint(|ctx| async move { ctx.check().is_ok() });
    /// assert!(sweep.iter().skip(1).all(|run| run.half() == Some(Half::Start)));
    /// ```
    #[must_use]
    pub fn half(&self) -> Option<Half> {
        Some(self.place?.half)
    }
}

impl<T> fmt::Display for Run<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            None => f.write_str("undisturbed"),
            Some(place) => place.fmt(f),
        }
    }
}

#[cfg(all(test, not(ctx_loom)))]
mod tests {
    //! What only the watchdog finds, with one that does not take half a minute.

    use super::*;
    use std::panic::catch_unwind;
    use tokio::task::{spawn_blocking, yield_now};

    fn hang<Fut: Future>(body: fn(Context) -> Fut) -> String {
        let swept = catch_unwind(|| sweep(&body, Duration::from_millis(30)).checkpoints());
        *swept.unwrap_err().downcast::<String>().unwrap()
    }

    #[test]
    fn x4_a_task_that_is_always_ready_is_found_by_the_watchdog() {
        let text = hang(|ctx| async move {
            let ended = ctx.check().is_err();
            let task = tokio::spawn(async move {
                if ended {
                    loop {
                        yield_now().await;
                    }
                }
            });
            task.await.unwrap();
        });
        assert!(text.contains(", at its start, does not end"), "{text}");
        assert!(text.contains("its clock stands still"), "{text}");
    }

    #[test]
    fn x4_a_thread_that_never_comes_back_is_found_by_the_watchdog() {
        let text = hang(|ctx| async move {
            let ended = ctx.check().is_err();
            let _ =
                spawn_blocking(move || ended.then(|| ctx.without_cancel().blocking_done())).await;
        });
        assert!(text.contains(", at its start, does not end"), "{text}");
        assert!(text.contains("its clock stands still"), "{text}");
    }
}
