//! Who is to be woken when a scope ends, beyond the first: a slab of wakers with stable keys.
//!
//! The list itself runs no foreign code: wakers come in already cloned and go out to be woken or dropped
//! by the caller, who has given the lock back by then (rule T9). A key belongs to one waiter, which gives
//! it back by `remove`. A drained list has forgotten its keys: only an ended scope is drained, and nobody
//! enters the list of one, so a key from before the drain finds nothing.

use std::task::Waker;

/// A place in the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key(u32);

impl Key {
    /// No place: what a waiter holds that does not wait.
    pub(crate) const NONE: Key = Key(u32::MAX);
    /// The place in the node itself.
    pub(crate) const FIRST: Key = Key(u32::MAX - 1);

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// As many places are kept while nobody waits.
const KEEP: usize = 32;

enum Slot {
    Free { next: Key },
    Waiting(Waker),
}

pub(crate) struct WaitList {
    slots: Vec<Slot>,
    free: Key,
    waiting: usize,
}

impl WaitList {
    pub(crate) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Key::NONE,
            waiting: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Whether the waiter with this key would be woken as `waker` is.
    pub(crate) fn will_wake(&self, key: Key, waker: &Waker) -> bool {
        matches!(self.slots.get(key.index()), Some(Slot::Waiting(known)) if known.will_wake(waker))
    }

    /// Puts the waker in, in the place `key` if it has one, and returns its place and whom it replaced.
    ///
    /// # Panics
    ///
    /// With four billion waiters on one scope.
    pub(crate) fn put(&mut self, key: Key, waker: Waker) -> (Key, Option<Waker>) {
        if let Some(Slot::Waiting(known)) = self.slots.get_mut(key.index()) {
            return (key, Some(std::mem::replace(known, waker)));
        }
        self.waiting += 1;
        let place = self.free;
        if let Some(slot) = self.slots.get_mut(place.index()) {
            if let Slot::Free { next } = *slot {
                self.free = next;
            }
            *slot = Slot::Waiting(waker);
            return (place, None);
        }
        let place = Key(u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
        assert!(
            place.0 < Key::FIRST.0,
            "fewer than 2^32 waiters on one scope"
        );
        self.slots.push(Slot::Waiting(waker));
        (place, None)
    }

    /// Takes a waiter out.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Waker> {
        let slot = self.slots.get_mut(key.index())?;
        if !matches!(slot, Slot::Waiting(_)) {
            return None;
        }
        let free = Slot::Free { next: self.free };
        let Slot::Waiting(waker) = std::mem::replace(slot, free) else {
            return None;
        };
        self.free = key;
        self.waiting -= 1;
        if self.waiting == 0 {
            self.forget_places();
        }
        Some(waker)
    }

    /// Takes everybody out, in the order of their places.
    pub(crate) fn drain_into(&mut self, wakers: &mut Vec<Waker>) {
        if self.waiting == 0 {
            return;
        }
        for slot in std::mem::take(&mut self.slots) {
            if let Slot::Waiting(waker) = slot {
                wakers.push(waker);
            }
        }
        self.waiting = 0;
        self.free = Key::NONE;
    }

    /// With nobody waiting no key is out, so the places can be given back.
    fn forget_places(&mut self) {
        self.slots.clear();
        self.slots.shrink_to(KEEP);
        self.free = Key::NONE;
    }
}

#[cfg(all(test, not(ctx_loom)))]
mod tests {
    use super::*;
    use std::{sync::Arc, task::Wake};

    struct Nobody;

    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn places_are_reused_and_replaced_wakers_come_back() {
        let mut list = WaitList::new();
        let waker = &Waker::from(Arc::new(Nobody));
        let (a, none) = list.put(Key::NONE, waker.clone());
        assert!(none.is_none());
        let (b, _) = list.put(Key::NONE, waker.clone());
        assert!(list.will_wake(b, waker));
        assert!(list.put(b, waker.clone()).1.is_some());
        assert!(list.remove(a).is_some());
        assert!(list.remove(a).is_none());
        assert_eq!(list.put(Key::NONE, waker.clone()).0, a);
        let mut wakers = Vec::new();
        list.drain_into(&mut wakers);
        assert_eq!(wakers.len(), 2);
        assert!(list.remove(a).is_none() && list.remove(b).is_none());
    }
}
