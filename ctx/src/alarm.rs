//! The process's one timer thread, for whoever waits for a deadline outside a tokio runtime (rule D4).
//!
//! It is started by the first alarm that is set, sleeps until the earliest one, and is never ended: an
//! idle thread costs its stack. Wakers are cloned before the lock, and woken and dropped after it.

use crate::{sweep::contain, sync};
use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Instant,
};

/// Alarms in the order of their time; the number tells those of one instant apart.
type Queue = BTreeMap<(Instant, u64), Waker>;

struct Desk {
    queue: Queue,
    numbers: u64,
    running: bool,
}

static DESK: Mutex<Desk> = Mutex::new(Desk {
    queue: Queue::new(),
    numbers: 0,
    running: false,
});
static EARLIER: Condvar = Condvar::new();

fn desk() -> MutexGuard<'static, Desk> {
    // No foreign code runs under this lock, so there is no half-done change to fear.
    DESK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One waiter's alarm. Dropping it takes it out of the queue.
pub(crate) struct Alarm {
    at: Instant,
    number: Option<u64>,
}

impl Alarm {
    pub(crate) fn new(at: Instant) -> Self {
        Self { at, number: None }
    }

    /// Wakes `waker` at the time, in the place of the waker set before. True if the time has come.
    pub(crate) fn set(&mut self, waker: &Waker) -> bool {
        if self.at <= Instant::now() {
            return true;
        }
        let waker = waker.clone();
        let mut desk = desk();
        let number = *self.number.get_or_insert_with(|| {
            desk.numbers += 1;
            desk.numbers
        });
        let replaced = desk.queue.insert((self.at, number), waker);
        let first = desk.queue.first_key_value().map(|(key, _)| *key) == Some((self.at, number));
        if !desk.running {
            // Where no thread can be had now, the next alarm tries again.
            desk.running = sync::spawn("ctx-timer", run);
        } else if first {
            EARLIER.notify_one();
        }
        drop(desk);
        drop(replaced);
        false
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let removed = desk().queue.remove(&(self.at, number));
            drop(removed);
        }
    }
}

fn run() {
    let mut desk = desk();
    loop {
        let now = Instant::now();
        let due = match desk.queue.first_entry() {
            Some(first) if first.key().0 <= now => Ok(first.remove()),
            Some(first) => Err(Some(first.key().0 - now)),
            None => Err(None),
        };
        desk = match due {
            Ok(waker) => {
                drop(desk);
                contain(|| waker.wake());
                self::desk()
            }
            Err(Some(rest)) => {
                EARLIER
                    .wait_timeout(desk, rest)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            Err(None) => EARLIER.wait(desk).unwrap_or_else(PoisonError::into_inner),
        };
    }
}
