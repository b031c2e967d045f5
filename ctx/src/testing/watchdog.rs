//! A thread that wakes a run now and then, so that the run finds out that it has gone silent.
//!
//! The clock of a run is paused, and it stands still as long as some task is always ready, or as long as a
//! thread of `spawn_blocking` is at work. Only time outside the run can tell then that it hangs.

use crate::{lock::Lock, sync::spawn};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    task::Waker,
    time::Duration,
};

/// It rings until this is dropped.
pub(super) struct Watchdog {
    bell: Arc<Bell>,
    _gone: Sender<()>,
}

struct Bell {
    rings: AtomicUsize,
    waker: Lock<Option<Waker>>,
}

impl Watchdog {
    /// Starts the thread. Where none is to be had there is no watchdog, and nothing else is amiss.
    pub(super) fn every(period: Duration) -> Self {
        let (gone, leave) = channel::<()>();
        let bell = Arc::new(Bell {
            rings: AtomicUsize::new(0),
            waker: Lock::new(None),
        });
        let ring = Arc::clone(&bell);
        spawn("ctx-testing-watchdog", move || {
            while leave.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                ring.ring();
            }
        });
        Self { bell, _gone: gone }
    }

    /// Whom it wakes from now on.
    pub(super) fn watch(&self, waker: Waker) {
        let before = self.bell.waker.lock().replace(waker);
        drop(before);
    }

    /// How often it has rung.
    pub(super) fn rings(&self) -> usize {
        // Relaxed: nothing else is read because of it, and the wake-up after a ring brings it along.
        self.bell.rings.load(Ordering::Relaxed)
    }
}

impl Bell {
    fn ring(&self) {
        self.rings.fetch_add(1, Ordering::Relaxed);
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            waker.wake_by_ref();
            // The run may have handed over to the next one meanwhile.
            let mut place = self.waker.lock();
            if place.is_none() {
                *place = Some(waker);
            }
        }
    }
}
