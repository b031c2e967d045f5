//! What polls the body of one run, and decides when it will never end (rule X4).
//!
//! A run hangs where one of these holds:
//!
//! 1. Nobody can wake its body any more: it is pending, was not woken, and no clone of its waker is left.
//! 2. Its body was polled `TOO_MANY` times, or passed as many checkpoints.
//! 3. It has given no *sign* for a year of its own clock, which jumps whenever nothing else is left to do, or
//!    for an hour after the cancellation. A sign is a poll of the body, which was woken, or a checkpoint
//!    that starts or stays pending, so whatever goes round in circles ends by 2. Silence is measured in
//!    `STEPS`. At each of them this thread naps, since other threads and sockets, for which the paused
//!    clock does not wait, may be about to wake the run.
//! 4. It has given no sign between two rings of the watchdog. It finds where that clock stands still: a task
//!    that is always ready and passes no checkpoint, or a thread of `spawn_blocking` that does not come
//!    back.

use super::{heard::TOO_MANY, watchdog::Watchdog};
use crate::probe::Listening;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering, fence},
    },
    task::{Context as TaskContext, Poll, Wake, Waker},
    thread,
    time::Duration,
};
use tokio::time::{Sleep, sleep};

const HOUR: Duration = Duration::from_secs(60 * 60);
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const STEPS: u32 = 100;
/// Grows with the silence: two seconds in all, and next to nothing where it is short.
const NAP: Duration = Duration::from_micros(400);

/// Why a run was given up.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Hang {
    Forgotten,
    Polls,
    Checkpoints,
    Silent(Duration),
    Watchdog,
}

impl fmt::Display for Hang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forgotten => f.write_str("nobody is left to wake it"),
            Self::Polls => write!(f, "it was woken and polled {TOO_MANY} times"),
            Self::Checkpoints => write!(f, "it passed {TOO_MANY} checkpoints"),
            Self::Silent(YEAR) => f.write_str("nothing happened for a year of its paused clock"),
            Self::Silent(_) => f.write_str("nothing happened for an hour of its paused clock"),
            Self::Watchdog => f.write_str("its clock stands still, and no checkpoint was passed"),
        }
    }
}

/// The future of one run.
pub(super) struct Driver<'a, F> {
    body: Pin<&'a mut F>,
    listening: &'a Listening,
    watchdog: &'a Watchdog,
    woken: Arc<Woken>,
    waker: Waker,
    polls: usize,
    delivered: bool,
    silence: Silence,
    /// The watchdog's rings, and the signs at the latest of them.
    rings: (usize, usize),
}

/// How long nothing has happened, by the run's own clock.
struct Silence {
    bound: Duration,
    step: Pin<Box<Sleep>>,
    steps: u32,
    signs: usize,
}

/// The body's waker: it is polled when it was woken, and not when only its driver was.
struct Woken {
    woken: AtomicBool,
    driver: Waker,
}

impl Woken {
    /// Whether it was not woken, and cannot be any more: only its driver's two handles are left. What the
    /// driver does not poll makes no more of them.
    fn is_forgotten(this: &Arc<Self>) -> bool {
        if Arc::strong_count(this) > 2 {
            return false;
        }
        // The partner is the drop of the waker that woke it last, after its store.
        fence(Ordering::Acquire);
        !this.woken.load(Ordering::Relaxed)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Release: the partner is the swap before the body's poll.
        self.woken.store(true, Ordering::Release);
        self.driver.wake_by_ref();
    }
}

impl<'a, F: Future> Driver<'a, F> {
    /// `driver` is the waker that this future will be polled with.
    pub(super) fn new(
        body: Pin<&'a mut F>,
        driver: Waker,
        listening: &'a Listening,
        watchdog: &'a Watchdog,
    ) -> Self {
        listening.wake_at_delivery(driver.clone());
        watchdog.watch(driver.clone());
        let woken = Arc::new(Woken {
            woken: AtomicBool::new(true),
            driver,
        });
        Self {
            body,
            listening,
            watchdog,
            waker: Waker::from(Arc::clone(&woken)),
            woken,
            polls: 0,
            delivered: false,
            silence: Silence::of(YEAR),
            rings: (watchdog.rings(), usize::MAX),
        }
    }

    fn poll_body(&mut self) -> Poll<Result<F::Output, Hang>> {
        // Acquire: the partner is the store in `wake_by_ref`.
        if !self.woken.woken.swap(false, Ordering::Acquire) {
            return Poll::Pending;
        }
        self.polls += 1;
        let mut cx = TaskContext::from_waker(&self.waker);
        let polled = self.body.as_mut().poll(&mut cx);
        if self.listening.heard(|heard| heard.is_too_much()) {
            return Poll::Ready(Err(Hang::Checkpoints));
        }
        match polled {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending if self.polls >= TOO_MANY => Poll::Ready(Err(Hang::Polls)),
            Poll::Pending if Woken::is_forgotten(&self.woken) => Poll::Ready(Err(Hang::Forgotten)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_hang(&mut self, cx: &mut TaskContext<'_>) -> Poll<Hang> {
        if !self.delivered && self.listening.delivered().is_some() {
            self.delivered = true;
            self.silence = Silence::of(HOUR);
        }
        if self.listening.heard(|heard| heard.is_too_much()) {
            return Poll::Ready(Hang::Checkpoints);
        }
        let signs = self.polls + self.listening.heard(|heard| heard.signs);
        let rings = self.watchdog.rings();
        if rings != self.rings.0 {
            if signs == self.rings.1 {
                return Poll::Ready(Hang::Watchdog);
            }
            self.rings = (rings, signs);
        }
        self.silence.poll(signs, cx)
    }
}

impl Silence {
    fn of(bound: Duration) -> Self {
        Self {
            bound,
            step: Box::pin(sleep(bound / STEPS)),
            steps: 0,
            signs: usize::MAX,
        }
    }

    fn poll(&mut self, signs: usize, cx: &mut TaskContext<'_>) -> Poll<Hang> {
        while self.step.as_mut().poll(cx).is_ready() {
            if signs == self.signs {
                self.steps += 1;
            } else {
                (self.signs, self.steps) = (signs, 0);
            }
            if self.steps >= STEPS {
                return Poll::Ready(Hang::Silent(self.bound));
            }
            thread::sleep(NAP * self.steps);
            self.step.set(sleep(self.bound / STEPS));
        }
        Poll::Pending
    }
}

impl<F: Future> Future for Driver<'_, F> {
    type Output = Result<F::Output, Hang>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(ended) = self.poll_body() {
            return Poll::Ready(ended);
        }
        self.poll_hang(cx).map(Err)
    }
}
