//! One run of a body, in a runtime of its own.

use super::{
    driver::{Driver, Hang},
    heard::{Heard, Pass, Plan},
    place::Place,
    watchdog::Watchdog,
};
use crate::{context::Context, probe::Listening};
use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    task::Poll,
};
use tokio::runtime::Builder;

/// What came of it.
pub(super) struct Ran<T> {
    pub(super) output: T,
    pub(super) passed: Vec<Pass>,
    /// Where it was cancelled, if it was.
    pub(super) delivered: Option<Place>,
}

/// Runs `body` on a context of its own, which is cancelled as planned. A fresh runtime, so that no run
/// finds tasks or times that another one left behind.
///
/// # Panics
///
/// If the body does, or does not end.
#[track_caller]
pub(super) fn run<F, Fut>(body: &F, plan: Option<Plan>, watchdog: &Watchdog) -> Ran<Fut::Output>
where
    F: Fn(Context) -> Fut,
    Fut: Future,
{
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime for the run");
    let scope = Context::background().with_cancel();
    let listening = Listening::at(&scope, plan, true);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            let body = pin!(body(scope.clone()));
            let driver = Driver::new(body, waker, &listening, watchdog);
            driver.await.map_err(|hang| Failure::of(hang, &listening))
        })
    }));
    let ended = match ended {
        Ok(ended) => ended,
        // The panic was the probe's own.
        Err(_) if listening.heard(|heard| heard.is_too_much()) => {
            Err(Failure::of(Hang::Checkpoints, &listening))
        }
        Err(panicked) => Err(Failure::Panicked(panicked)),
    };
    let delivered = listening.delivered();
    let passed = listening.heard(Heard::take_passed);
    // What is left of the run hears that it is over, and nobody listens or waits for it any more.
    drop((listening, scope));
    runtime.shutdown_background();
    match ended {
        Ok(output) => Ran {
            output,
            passed,
            delivered,
        },
        Err(failure) => failure.raise(delivered),
    }
}

/// Why there is no output.
enum Failure {
    /// What the run hangs at, and how that was found out.
    Hangs(String),
    Panicked(Box<dyn Any + Send>),
}

impl Failure {
    fn of(hang: Hang, listening: &Listening) -> Self {
        let (waiting, last) =
            listening.heard(|heard| (heard.waiting(), heard.passed.last().copied()));
        let waiting: Vec<_> = waiting.iter().map(ToString::to_string).collect();
        let place = match last {
            Some(last) if hang == Hang::Checkpoints => format!("at {}", last.at),
            _ if !waiting.is_empty() => format!("at {}", waiting.join(", in ")),
            Some(last) => {
                format!(
                    "at an await that is no checkpoint of its context, after {}",
                    last.at
                )
            }
            None => "before its first checkpoint".to_owned(),
        };
        Self::Hangs(format!("it hangs {place} ({hang})"))
    }

    /// Fails the test, and says in which run it was.
    #[track_caller]
    fn raise(self, delivered: Option<Place>) -> ! {
        let run = match delivered {
            None => "the undisturbed run".to_owned(),
            Some(place) => format!("the run cancelled at {place},"),
        };
        let panicked = match (self, delivered) {
            (Self::Hangs(how), _) => panic!("{run} does not end: {how}"),
            (Self::Panicked(panicked), None) => resume_unwind(panicked),
            (Self::Panicked(panicked), Some(_)) => panicked,
        };
        if let Some(message) = message(&*panicked) {
            panic!("{run} panicked: {message}");
        }
        eprintln!("{run} panicked");
        resume_unwind(panicked)
    }
}

/// The text of a panic, if it is one.
fn message(panicked: &(dyn Any + Send)) -> Option<&str> {
    let text = panicked.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panicked.downcast_ref::<&str>().copied())
}
