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

use crate::{sweep::contain, sync::Lock};
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

    /// The checkpoint starts a poll, or goes away: nobody needs to wake it.
    pub(crate) fn awake(&self) {
        let waker = self.state.lock().waker.take();
        drop(waker);
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

    fn acquire(&self) {
        self.state.lock().holders += 1;
    }

    fn release(&self) {
        let mut state = self.state.lock();
        state.holders -= 1;
        let waker = if state.holders == 0 {
            state.waker.take()
        } else {
            None
        };
        drop(state);
        if let Some(waker) = waker {
            contain(|| waker.wake());
        }
    }
}

/// The checkpoints that one shield holds.
#[derive(Default)]
pub(crate) struct Held(Vec<Arc<Hold>>);

impl Held {
    pub(crate) fn is_nobody(&self) -> bool {
        self.0.is_empty()
    }

    /// Holds one more checkpoint, unless it is held already. `guess` is where it should stand: a shield
    /// meets the same checkpoints in the same order at every poll.
    pub(crate) fn add(&mut self, hold: &Arc<Hold>, guess: usize) {
        let is_it = |known: &Arc<Hold>| Arc::ptr_eq(known, hold);
        if self.0.get(guess).is_some_and(is_it) || self.0.iter().any(is_it) {
            return;
        }
        if self.0.len() == self.0.capacity() {
            // A checkpoint that is gone has left its hold to its holders, who may outlive many of them.
            self.0.retain(|known| Arc::strong_count(known) > 1);
        }
        hold.acquire();
        self.0.push(Arc::clone(hold));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        for hold in self.0.drain(..) {
            hold.release();
        }
    }
}

#[cfg(all(test, not(ctx_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_shield_forgets_the_checkpoints_that_are_gone() {
        let (mut held, stays) = (Held::default(), Hold::new());
        held.add(&stays, 0);
        (0..10_000).for_each(|_| held.add(&Hold::new(), 1));
        assert!(held.0.capacity() < 10);
        assert!(Arc::ptr_eq(&held.0[0], &stays));
    }
}
