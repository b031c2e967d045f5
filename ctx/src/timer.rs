//! A waiter's own timer: tokio's inside a runtime, the process's timer thread outside (rule D4).
//!
//! It exists only while somebody waits for a deadline, and it belongs to the runtime in which the waiter
//! was last polled: a waiter that has moved to another runtime, or out of all of them, gets a new one, so
//! a runtime that is gone is never asked.

use crate::alarm::Alarm;
use pin_project_lite::pin_project;
use std::{
    pin::Pin,
    task::{Context as TaskContext, Poll},
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

pub(crate) struct Timer {
    home: Option<Id>,
    at: Instant,
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
        let bell = if home.is_some() {
            Bell::Runtime {
                sleep: unconstrained(sleep_until(at)),
            }
        } else {
            Bell::Thread {
                alarm: Alarm::new(at.into_std()),
            }
        };
        Self {
            home,
            at,
            bell: Box::pin(bell),
        }
    }

    /// Ready once `at` has come; until then `cx` is woken when it does. Makes the timer if there is none.
    pub(crate) fn poll(slot: &mut Option<Self>, at: Instant, cx: &mut TaskContext<'_>) -> Poll<()> {
        let home = Handle::try_current().ok().map(|handle| handle.id());
        let timer = match slot {
            Some(timer) if timer.home == home && timer.at == at => timer,
            _ => slot.insert(Self::new(at, home)),
        };
        match timer.bell.as_mut().project() {
            BellProject::Runtime { sleep } => sleep.poll(cx),
            BellProject::Thread { alarm } => {
                if alarm.set(cx.waker()) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            }
        }
    }
}
