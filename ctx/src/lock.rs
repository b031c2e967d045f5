//! The lock of a scope: it costs one read-modify-write to take, and a plain store to give back.
//!
//! std's mutex takes a second one, as whoever gives it back must find out whether somebody sleeps until then. A
//! wait in a scope's list takes this lock twice, and a walk takes it for each child, and where a locked
//! instruction takes long the second one was a seventh of either. What is guarded is mostly short, and no foreign code
//! runs meanwhile (rule T9), so hardly anybody ever finds the lock taken. It is long where many waiters are taken out
//! at once, or one is looked for far down a list, or the end of a scope is first found far above it. Who finds it
//! taken looks again by himself:
//!
//! 1. He is woken by nobody, so nobody need know of him, and no wake-up can be lost: each of his sleeps ends by
//!    itself.
//! 2. He spins for about as long as a lock is mostly held, then lets others have their turn, then sleeps. So a
//!    holder that has lost its processor gets it back, also where those who wait have the higher priority: a
//!    sleeper does not compete for it.
//! 3. It has no poison. Ignoring poison would be right: as no foreign code runs under it, there is no half-done
//!    change that a panic could leave behind.
//! 4. To give it back is no full barrier, which it happens to be with std's on some processors. Nothing needs one:
//!    where two threads each write, and then look for what the other one wrote, both pass through one lock in
//!    between.
//!
//! That only one holds it, and sees what the one before has written, is the library's promise.

#[cfg(ctx_loom)]
pub(crate) use loom::sync::MutexGuard as Guard;
#[cfg(not(ctx_loom))]
pub(crate) use spin::mutex::SpinMutexGuard as Guard;
#[cfg(not(ctx_loom))]
use std::{
    hint,
    panic::{RefUnwindSafe, UnwindSafe},
    thread,
    time::Duration,
};

#[cfg(not(ctx_loom))]
pub(crate) struct Lock<T> {
    inner: spin::mutex::SpinMutex<T>,
}

// Nobody sees what a panic has left half done behind the lock, as there is no such thing (see 3).
#[cfg(not(ctx_loom))]
impl<T> UnwindSafe for Lock<T> {}
#[cfg(not(ctx_loom))]
impl<T> RefUnwindSafe for Lock<T> {}

#[cfg(not(ctx_loom))]
impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self {
            inner: spin::mutex::SpinMutex::new(value),
        }
    }

    #[inline]
    #[must_use = "it is given back at once"]
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        match self.inner.try_lock() {
            Some(guard) => guard,
            None => self.wait(),
        }
    }

    #[cold]
    #[inline(never)]
    fn wait(&self) -> Guard<'_, T> {
        let mut patience = Patience::new();
        loop {
            patience.wear();
            // A look first, as an attempt would take the memory away from the holder.
            if !self.inner.is_locked() {
                if let Some(guard) = self.inner.try_lock() {
                    return guard;
                }
            }
        }
    }
}

/// How one waits who is woken by nobody: in rounds, each of which ends with a sleep.
#[cfg(not(ctx_loom))]
struct Patience {
    looks: u32,
    sleep: Duration,
}

#[cfg(not(ctx_loom))]
impl Patience {
    /// Some microseconds at most: the processors differ in how long one takes.
    const SPINS: u32 = 64;
    const TURNS: u32 = 8;
    /// So much later than a waiter of std's mutex, and by what the system's timer adds, comes one who has waited for
    /// long and finds the lock free when he wakes. Where he finds another one there he has to sleep again.
    const LONGEST: Duration = Duration::from_micros(320);

    fn new() -> Self {
        Self {
            looks: 0,
            sleep: Duration::from_micros(20),
        }
    }

    fn wear(&mut self) {
        self.looks += 1;
        if self.looks <= Self::SPINS {
            hint::spin_loop();
        } else if self.looks <= Self::SPINS + Self::TURNS {
            thread::yield_now();
        } else {
            thread::sleep(self.sleep);
            self.sleep = Self::LONGEST.min(self.sleep * 2);
            self.looks = 0;
        }
    }
}

/// Loom's own lock in place of it.
#[cfg(ctx_loom)]
pub(crate) struct Lock<T> {
    inner: loom::sync::Mutex<T>,
}

#[cfg(ctx_loom)]
impl<T> Lock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            inner: loom::sync::Mutex::new(value),
        }
    }

    pub(crate) fn lock(&self) -> Guard<'_, T> {
        self.inner
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(all(test, not(ctx_loom)))]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn only_one_thread_holds_it_and_sees_what_the_others_have_written() {
        const THREADS: usize = 8;
        const TIMES: usize = 20_000;
        let lock = Lock::new((0, 0));
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..TIMES {
                        let mut both = lock.lock();
                        both.0 += 1;
                        both.1 += 1;
                        assert_eq!(both.0, both.1);
                    }
                });
            }
        });
        assert_eq!(*lock.lock(), (THREADS * TIMES, THREADS * TIMES));
    }

    #[test]
    fn who_waits_long_sleeps_once_a_round_and_longer_each_time_up_to_a_limit() {
        let mut patience = Patience::new();
        let mut sleeps = Vec::new();
        for _ in 0..6 {
            for _ in 0..Patience::SPINS + Patience::TURNS {
                let before = patience.sleep;
                patience.wear();
                assert_eq!(patience.sleep, before, "it has not slept");
            }
            sleeps.push(patience.sleep.as_micros());
            patience.wear();
        }
        assert_eq!(sleeps, [20, 40, 80, 160, 320, 320]);
    }

    #[test]
    fn a_panic_gives_it_back() {
        let lock = Lock::new(1);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _held = lock.lock();
            panic!("under the lock");
        }));
        assert!(panicked.is_err());
        assert_eq!(*lock.lock(), 1);
    }
}
