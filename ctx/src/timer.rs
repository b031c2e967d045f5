//! A waiter's own timer: tokio's inside a runtime, the process's timer thread outside (rule D4).
//!
//! It exists only while somebody waits for a deadline, and it belongs to the runtime in which the waiter
//! was last polled: a waiter that has moved to another runtime, or out of all of them, gets a new one. A
//! runtime that is gone answers whoever is still polled inside it by a panic, and in no other way; that
//! one is caught, and the timer thread takes over.

use crate::{alarm::Alarm, stamp::Stamp};
use pin_project_lite::pin_project;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context as TaskContext, Poll, Waker, ready},
    time::Duration,
};
use tokio::{
    runtime::{Handle, Id},
    task::coop::{Unconstrained, unconstrained},
    time::{Instant, Sleep, sleep_until},
};

pin_project! {
    #[project = BellProject]
    enum Bell {
        // Unconstrained, since a checkpoint is to cost no budget when it is polled again (rule C7).
        Runtime { #[pin] sleep: Unconstrained<Sleep> },
        Thread { alarm: Alarm },
    }
}

/// No sleep is longer, as tokio adds to the instant that it is given. Whoever waits longer sleeps again.
const LONGEST: Duration = Duration::from_secs(60 * 60 * 24 * 365);

pub(crate) struct Timer {
    home: Option<Id>,
    at: Instant,
    /// When the bell rings: at `at`, or before it where that is too far away.
    rings: Instant,
    bell: Pin<Box<Bell>>,
}

// A timer is replaced whole or polled, and a poll that panics leaves a sleep that is only ever dropped.
impl std::panic::UnwindSafe for Timer {}
impl std::panic::RefUnwindSafe for Timer {}

impl Timer {
    /// # Panics
    ///
    /// Inside a tokio runtime that was built without `enable_time`, as [`tokio::time::sleep`] does.
    fn new(at: Instant, home: Option<Id>) -> Self {
        if home.is_none() {
            return Self::outside(at);
        }
        let rings = if Stamp::is_near(at, LONGEST) {
            at
        } else {
            let longest = Instant::now().checked_add(LONGEST);
            longest.map_or(at, |longest| at.min(longest))
        };
        Self {
            home,
            at,
            rings,
            bell: Box::pin(Bell::Runtime {
                sleep: unconstrained(sleep_until(rings)),
            }),
        }
    }

    /// A timer that needs no runtime.
    fn outside(at: Instant) -> Self {
        Self {
            home: None,
            at,
            rings: at,
            bell: Box::pin(Bell::Thread {
                alarm: Alarm::new(at.into_std()),
            }),
        }
    }

    /// A timer of the timer thread that wakes `waker`; `None` if the time has come.
    pub(crate) fn ring_outside(at: Instant, waker: &Waker) -> Option<Self> {
        let mut timer = Self::outside(at);
        let rung = timer.poll_bell(&mut TaskContext::from_waker(waker));
        rung.is_pending().then_some(timer)
    }

    /// Ready once `at` has come; until then `cx` is woken when it does. Makes the timer if there is none.
    pub(crate) fn poll(slot: &mut Option<Self>, at: Instant, cx: &mut TaskContext<'_>) -> Poll<()> {
        let home = Handle::try_current().ok().map(|handle| handle.id());
        loop {
            let timer = match slot {
                Some(timer) if timer.home == home && timer.at == at => timer,
                _ => slot.insert(Self::new(at, home)),
            };
            ready!(timer.poll_bell(cx));
            if timer.rings >= at {
                return Poll::Ready(());
            }
            *slot = None;
        }
    }

    fn poll_bell(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        if let BellProject::Runtime { sleep } = self.bell.as_mut().project() {
            match catch_unwind(AssertUnwindSafe(|| sleep.poll(cx))) {
                Ok(rung) => return rung,
                Err(_gone) => {
                    let home = self.home;
                    *self = Self::outside(self.at);
                    self.home = home;
                }
            }
        }
        let rung = match self.bell.as_mut().project() {
            BellProject::Thread { alarm } => alarm.set(cx.waker()),
            BellProject::Runtime { .. } => false,
        };
        if rung { Poll::Ready(()) } else { Poll::Pending }
    }
}
