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
//! One that is held itself holds an asker in the same way that has another waker, and that nobody holds (see
//! `answer`, 5), until it is held no more: its own hold knows by what, and ends that. Nobody holds himself in this way,
//! by whatever detour. For who is held by one that is held was held by nobody by then, and so held nobody either.
//!
//! Lock order: a shield's, then that of a hold. So a shield that ends either finds the hold, or is found ended. What a
//! hold ends it ends after its own lock is given back.

use crate::{few::Few, lock::Lock, sweep::contain};
use std::{sync::Arc, task::Waker};

pub(crate) struct Hold {
    state: Lock<State>,
}

struct State {
    holders: usize,
    waker: Option<Waker>,
    /// Those whom the checkpoint holds as long as it is held.
    meanwhile: Option<Shield>,
    /// Whether it was at work when it was left by one inside that is held no more, and is to decide now.
    left: bool,
}

impl Hold {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Lock::new(State {
                holders: 0,
                waker: None,
                meanwhile: None,
                left: false,
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

    /// The poll has panicked: `waker` goes on to sleep here; it is given back where nobody holds the checkpoint. It is not
    /// cloned, as that may panic as well.
    pub(crate) fn sleeps_on(&self, waker: Waker) -> Option<Waker> {
        let mut state = self.state.lock();
        if state.holders == 0 {
            return Some(waker);
        }
        let before = state.waker.replace(waker);
        drop(state);
        drop(before);
        None
    }

    /// Whether, in the poll that ends, one inside was held no more that had held it.
    pub(crate) fn was_left(&self) -> bool {
        std::mem::take(&mut self.state.lock().left)
    }

    /// Whether somebody holds it.
    pub(crate) fn is_held(&self) -> bool {
        self.state.lock().holders > 0
    }

    /// The checkpoint, which is held, holds others by this one until it is held no more.
    pub(crate) fn passes_on(&self, shield: &Shield) {
        let mut state = self.state.lock();
        // Where that has come already, it has been woken, and is about to see to them itself.
        let before = if state.holders > 0 {
            state.meanwhile.replace(shield.clone())
        } else {
            None
        };
        drop(state);
        drop(before);
    }

    fn acquire(&self) {
        self.state.lock().holders += 1;
    }

    /// One holds it no more, who `leaves` it and goes on. If that was the last one: the waker that slept, and those whom it
    /// has held itself.
    fn release(&self, leaves: bool) -> (Option<Waker>, Option<Shield>) {
        let mut state = self.state.lock();
        state.holders -= 1;
        if state.holders > 0 {
            return (None, None);
        }
        let waker = state.waker.take();
        state.left |= leaves && waker.is_none();
        (waker, state.meanwhile.take())
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

    fn has_ended(&self) -> bool {
        self.0.lock().is_none()
    }

    /// The shield has ended, and with it those of the checkpoints that it alone has held. Whether that has woken anybody.
    fn end(&self) -> bool {
        let (mut woken, mut ahead) = (false, Few::new());
        ahead.push((self.clone(), false));
        while let Some((shield, leaves)) = ahead.pop() {
            let held = shield.0.lock().take();
            for hold in held.into_iter().flatten() {
                let (waker, meanwhile) = hold.release(leaves);
                ahead.extend(meanwhile.map(|shield| (shield, true)));
                woken |= waker.is_some();
                if let Some(waker) = waker {
                    contain(|| waker.wake());
                }
            }
        }
        woken
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
        if self.0.as_ref().is_some_and(Shield::has_ended) {
            self.0 = None;
        }
        self.0.get_or_insert_with(Shield::new)
    }

    pub(crate) fn get(&self) -> Option<&Shield> {
        self.0.as_ref()
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
