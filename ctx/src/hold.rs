//! What keeps a checkpoint from firing while a shield inside it is at work, polled or not (rule C3).
//!
//! An answer (see `answer`) is good for one poll. A shield must hold for longer: under `FuturesUnordered`
//! the checkpoint around it is polled when it is not. So the shield keeps a count alive in every
//! checkpoint around it, from its first pending poll until it ends or is dropped.
//!
//! A checkpoint that is held does not wait for the end of its context, as it could do nothing about it.
//! So whoever gives back the last hold wakes it, and it takes over: its waker stands here from the end of
//! a held poll to the start of the next one. In between, and while it is being dropped, there is none,
//! since it is about to look for itself.
//!
//! One that is held itself holds an asker in the same way that has another waker, and that no shield holds (see
//! `answer`, 5), until it is held no more.
//!
//! Lock order: a shield's, then that of a hold. So a shield that ends either finds the hold, or is found ended.

use crate::{lock::Lock, sweep::contain};
use std::{sync::Arc, task::Waker};

pub(crate) struct Hold {
    state: Lock<State>,
}

struct State {
    holders: usize,
    waker: Option<Waker>,
}

impl Hold {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Lock::new(State {
                holders: 0,
                waker: None,
            }),
        })
    }

    /// The checkpoint starts a poll, or goes away: nobody needs to wake it. The waker kept watch for those whom
    /// it has answered, as one in a scope's list does.
    #[must_use]
    pub(crate) fn awake(&self) -> Option<Waker> {
        self.state.lock().waker.take()
    }

    /// The checkpoint ends a poll: whether it is held, to be woken by `waker` when it no longer is.
    pub(crate) fn asleep(&self, waker: &Waker) -> bool {
        if self.state.lock().holders == 0 {
            return false;
        }
        let waker = waker.clone();
        let mut state = self.state.lock();
        if state.holders == 0 {
            drop(state);
            drop(waker);
            return false;
        }
        let before = state.waker.replace(waker);
        drop(state);
        drop(before);
        true
    }

    /// Whether somebody holds it.
    pub(crate) fn is_held(&self) -> bool {
        self.state.lock().holders > 0
    }

    fn acquire(&self) {
        self.state.lock().holders += 1;
    }

    /// Whether that has woken it.
    fn release(&self) -> bool {
        let mut state = self.state.lock();
        state.holders -= 1;
        let waker = if state.holders == 0 {
            state.waker.take()
        } else {
            None
        };
        drop(state);
        let sleeps = waker.is_some();
        if let Some(waker) = waker {
            contain(|| waker.wake());
        }
        sleeps
    }
}

/// The checkpoints that one shield holds, until it ends.
///
/// The shield itself adds to them, and so do the checkpoints around it when their polls end.
#[derive(Clone)]
pub(crate) struct Shield(Arc<Lock<Option<Vec<Arc<Hold>>>>>);

impl Shield {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Lock::new(Some(Vec::new()))))
    }

    /// Holds one more checkpoint, unless it is held already, or the shield has ended meanwhile.
    pub(crate) fn hold(&self, hold: &Arc<Hold>) {
        let mut state = self.0.lock();
        let Some(all) = state.as_mut() else { return };
        if all.iter().any(|known| Arc::ptr_eq(known, hold)) {
            return;
        }
        if all.len() == all.capacity() {
            // A checkpoint that is gone has left its hold to its holders, who may outlive many of them.
            all.retain(|known| Arc::strong_count(known) > 1);
        }
        hold.acquire();
        all.push(Arc::clone(hold));
    }

    /// The shield has ended. Whether that has woken anybody.
    fn end(&self) -> bool {
        let held = self.0.lock().take();
        let woken = held.into_iter().flatten().filter(|hold| hold.release());
        woken.count() > 0
    }
}

/// A checkpoint's own side of it: nobody is held until somebody is.
#[derive(Default)]
pub(crate) struct Held(Option<Shield>);

impl Held {
    pub(crate) fn is_nobody(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn shield(&mut self) -> &Shield {
        self.0.get_or_insert_with(Shield::new)
    }

    /// Ends it: nobody is held until somebody is again. Whether anybody was woken, that is, was not at work.
    pub(crate) fn let_go(&mut self) -> bool {
        self.0.take().is_some_and(|shield| shield.end())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.let_go();
    }
}

#[cfg(all(test, not(ctx_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_shield_forgets_the_checkpoints_that_are_gone() {
        let (shield, stays) = (Shield::new(), Hold::new());
        shield.hold(&stays);
        (0..10_000).for_each(|_| shield.hold(&Hold::new()));
        let held = shield.0.lock();
        let held = held.as_ref().unwrap();
        assert!(held.capacity() < 10);
        assert!(Arc::ptr_eq(&held[0], &stays));
    }

    #[test]
    fn a_shield_that_has_ended_holds_nobody_more() {
        let (shield, hold) = (Shield::new(), Hold::new());
        shield.end();
        shield.hold(&hold);
        assert_eq!(hold.state.lock().holders, 0);
    }
}
