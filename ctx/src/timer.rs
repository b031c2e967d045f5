//! A waiter's own timer: tokio's inside a runtime, the process's timer thread outside (rule D4).
//!
//! It is set only while somebody waits for a deadline, and it belongs to the runtime in which the waiter
//! was last polled: a waiter that has moved to another runtime, or out of all of them, has it set anew. A
//! runtime that is gone answers whoever is still polled inside it by a panic, and in no other way; that
//! one is caught, and the timer thread takes over.
//!
//! One that is stopped keeps its box, and nothing of anybody's in it, so that the next is set without an
//! allocation.

use crate::alarm::Alarm;
use pin_project_lite::pin_project;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::OnceLock,
    task::{Context as TaskContext, Poll, Waker},
    time::{Duration, Instant as StdInstant},
};
use tokio::{
    runtime::{Handle, Id},
    task::coop::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

pin_project! {
    #[project = BellProject]
    enum Bell {
        Still,
        Runtime { #[pin] sleep: Sleep },
        Thread { alarm: Alarm },
    }
}

/// No sleep is longer, as tokio adds to the instant that it is given. Whoever waits longer sleeps again.
const LONGEST: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// The last instant that was near enough when the process first slept, and so is near enough ever since.
static NEAR: OnceLock<Option<StdInstant>> = OnceLock::new();

pub(crate) struct Timer {
    /// For when it is set, if it is.
    at: Option<Instant>,
    /// In which runtime it was set last.
    home: Option<Id>,
    /// What rings, or `Still`. Made once.
    bell: Option<Pin<Box<Bell>>>,
}

// A timer is set whole or polled, and a poll that panics leaves a sleep that is only ever dropped.
impl std::panic::UnwindSafe for Timer {}
impl std::panic::RefUnwindSafe for Timer {}

impl Timer {
    /// One that is not set.
    pub(crate) const fn unset() -> Self {
        Self {
            at: None,
            home: None,
            bell: None,
        }
    }

    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        self.at.is_some()
    }

    /// Nobody is woken any more. What the bell held may be foreign, and is dropped here.
    #[inline]
    pub(crate) fn stop(&mut self) {
        if self.at.take().is_some() {
            if let Some(place) = &mut self.bell {
                place.set(Bell::Still);
            }
        }
    }

    /// # Panics
    ///
    /// Inside a tokio runtime that was built without `enable_time`, as [`tokio::time::sleep`] does.
    #[inline]
    fn set(&mut self, at: Instant, home: Option<Id>) {
        // Whatever comes to nothing below leaves it unset.
        self.stop();
        if home.is_some() {
            let place = self.bell.get_or_insert_with(Self::still);
            place.set(Bell::Runtime {
                sleep: sleep_until(reachable(at)),
            });
            self.at = Some(at);
            self.home = home;
        } else {
            self.set_outside(at, home);
        }
    }

    #[cold]
    fn still() -> Pin<Box<Bell>> {
        Box::pin(Bell::Still)
    }

    /// Needs no runtime, and serves the waiter in this one.
    #[cold]
    fn set_outside(&mut self, at: Instant, home: Option<Id>) {
        let alarm = Alarm::new(at.into_std());
        let place = self.bell.get_or_insert_with(Self::still);
        place.set(Bell::Thread { alarm });
        self.at = Some(at);
        self.home = home;
    }

    /// A timer of the timer thread that wakes `waker`; `None` if the time has come.
    pub(crate) fn ring_outside(at: Instant, waker: &Waker) -> Option<Self> {
        let mut timer = Self::unset();
        timer.set_outside(at, None);
        let rung = timer.listen(&mut TaskContext::from_waker(waker));
        (rung != Some(Poll::Ready(()))).then_some(timer)
    }

    /// Ready once `at` has come; until then `cx` is woken when it does. Sets the timer if it is not.
    pub(crate) fn poll(&mut self, at: Instant, cx: &mut TaskContext<'_>) -> Poll<()> {
        let home = Handle::try_current().ok().map(|handle| handle.id());
        if self.at != Some(at) || self.home != home {
            self.set(at, home);
        }
        match self.listen(cx) {
            Some(Poll::Pending) => Poll::Pending,
            rung => self.see_to(rung, at, cx),
        }
    }

    /// Whether the bell has rung, and `None` where its runtime has gone.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "the one poll of most timers is not to be a call within a call"
    )]
    fn listen(&mut self, cx: &mut TaskContext<'_>) -> Option<Poll<()>> {
        let rung = match self.bell.as_mut()?.as_mut().project() {
            BellProject::Runtime { sleep } => {
                // Unconstrained, since a checkpoint is to cost no budget when it is polled again (rule C7).
                let sleep = pin!(unconstrained(sleep));
                return catch_unwind(AssertUnwindSafe(|| sleep.poll(cx))).ok();
            }
            BellProject::Thread { alarm } => alarm.set(cx.waker()),
            BellProject::Still => false,
        };
        Some(if rung { Poll::Ready(()) } else { Poll::Pending })
    }

    /// What follows where the bell does not just keep waiting.
    #[cold]
    fn see_to(
        &mut self,
        mut rung: Option<Poll<()>>,
        at: Instant,
        cx: &mut TaskContext<'_>,
    ) -> Poll<()> {
        loop {
            match rung {
                Some(Poll::Ready(())) if self.sleeps_again(at) => {}
                Some(rung) => return rung,
                None => self.set_outside(at, self.home),
            }
            rung = self.listen(cx);
        }
    }

    /// Whether it rang where one sleep ends, ahead of `at`. It is set for the rest then.
    fn sleeps_again(&mut self, at: Instant) -> bool {
        let bell = self.bell.as_mut().map(|bell| bell.as_mut().project());
        match bell {
            Some(BellProject::Runtime { sleep }) if sleep.deadline() < at => {
                sleep.reset(reachable(at));
                true
            }
            _ => false,
        }
    }
}

/// When to ring for `at`: then, or before it where that is too far away.
#[inline]
fn reachable(at: Instant) -> Instant {
    let near = NEAR.get_or_init(|| StdInstant::now().checked_add(LONGEST));
    match near {
        Some(near) if at.into_std() <= *near => at,
        _ => longest(at),
    }
}

#[cold]
fn longest(at: Instant) -> Instant {
    let longest = Instant::now().checked_add(LONGEST);
    longest.map_or(at, |longest| at.min(longest))
}
