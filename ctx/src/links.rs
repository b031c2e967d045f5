//! Who is to hear of the end of a scope: its children, its waiters and its callbacks, in 24 bytes.
//!
//! Most scopes have one child or one waiter, and a scope is to cost one allocation. So the first of either
//! stands in the node itself; the others, and the callbacks, take an allocation that is then kept.
//!
//! 1. All of this is guarded by the scope's lock. It runs no foreign code: wakers come in cloned and go out
//!    to be woken or dropped by the caller, who has given the lock back by then (rule T9).
//! 2. A child's place is `INLINE`, or its index in the list. The child is told of it, under this lock,
//!    whenever it changes; but for a child that is being dropped already, whose place is right until
//!    anybody takes the entry out.
//! 3. A child listed inline is listed by its upper parent, so this entry need not say which side is meant.

use crate::{
    callbacks::Callbacks,
    lock::Lock,
    node::{Node, Side},
    wait_list::{Key, WaitList},
};
use std::{
    sync::{Arc, Weak},
    task::Waker,
};

/// The place of a child that is in no list.
pub(crate) const NOWHERE: u32 = u32::MAX;
/// The place of the child in the node itself.
pub(crate) const INLINE: u32 = u32::MAX - 1;

/// What a scope's lock guards.
pub(crate) struct Links {
    first: First,
    more: Option<Box<More>>,
}

enum First {
    Waiter(Waker),
    Child(Option<Weak<Node>>),
}

#[cfg(not(ctx_loom))]
const _: () = assert!(size_of::<Links>() == 24);

struct More {
    children: Vec<Child>,
    waiters: WaitList,
    callbacks: Option<Box<Callbacks>>,
    /// The token that the scope's end cancels. Made once, on the first request; it stays.
    #[cfg(feature = "tokio-util")]
    token: Option<Arc<tokio_util::sync::CancellationToken>>,
}

/// A parent's entry for a child, and which of the child's sides the parent is.
pub(crate) struct Child {
    pub(crate) node: Weak<Node>,
    pub(crate) side: Side,
}

/// Below this many children the room is kept for the next ones.
const KEEP: usize = 32;

impl Links {
    const NONE: Self = Self {
        first: First::Child(None),
        more: None,
    };

    /// The lock of a new scope: a constant, so that it is written where it is to stay.
    #[cfg(not(ctx_loom))]
    #[inline]
    pub(crate) fn none() -> Lock<Self> {
        const { Lock::new(Self::NONE) }
    }

    #[cfg(ctx_loom)]
    pub(crate) fn none() -> Lock<Self> {
        Lock::new(Self::NONE)
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_with(|| {
            Box::new(More {
                children: Vec::new(),
                waiters: WaitList::new(),
                callbacks: None,
                #[cfg(feature = "tokio-util")]
                token: None,
            })
        })
    }

    #[inline]
    pub(crate) fn has_children(&self) -> bool {
        matches!(self.first, First::Child(Some(_))) || !self.listed().is_empty()
    }

    /// The children in the list.
    #[inline]
    pub(crate) fn listed(&self) -> &[Child] {
        self.more.as_ref().map_or(&[], |more| &more.children)
    }

    /// The child in the node itself.
    pub(crate) fn inline_child(&self) -> Option<&Weak<Node>> {
        match &self.first {
            First::Child(child) => child.as_ref(),
            First::Waiter(_) => None,
        }
    }

    /// Puts a child in, and returns its place.
    ///
    /// # Panics
    ///
    /// With four billion children of one scope.
    #[inline]
    pub(crate) fn add_child(&mut self, child: Child) -> u32 {
        if let (First::Child(free @ None), Side::Up) = (&mut self.first, child.side) {
            *free = Some(child.node);
            return INLINE;
        }
        let children = &mut self.more().children;
        let place = u32::try_from(children.len()).unwrap_or(NOWHERE);
        assert!(place < INLINE, "fewer than 2^32 children of one scope");
        children.push(child);
        place
    }

    /// Takes the inline child out.
    pub(crate) fn take_inline_child(&mut self) -> Option<Weak<Node>> {
        match &mut self.first {
            First::Child(child) => child.take(),
            First::Waiter(_) => None,
        }
    }

    /// Takes out all the children in the list from the one at `base` on.
    pub(crate) fn cut_list(&mut self, base: usize) {
        if let Some(more) = &mut self.more {
            more.children.truncate(base);
            if base == 0 {
                more.children = Vec::new();
            }
        }
    }

    /// Takes out the child at `place`, if it is the one that is meant. Another one moves into its place;
    /// that one's handle is returned, to be dropped after the lock, since it may have become the last one.
    pub(crate) fn strike(
        &mut self,
        place: u32,
        is_meant: impl Fn(&Weak<Node>) -> bool,
    ) -> Option<Arc<Node>> {
        if place == INLINE {
            if self.inline_child().is_some_and(is_meant) {
                self.take_inline_child();
            }
            return None;
        }
        let index = place as usize;
        let children = &mut self.more.as_mut()?.children;
        if !is_meant(&children.get(index)?.node) {
            return None;
        }
        children.swap_remove(index);
        // Giving back a half only at a quarter keeps this linear in the number of children.
        if children.capacity() > KEEP && children.len() < children.capacity() / 4 {
            children.shrink_to(children.capacity() / 2);
        }
        loop {
            let moved = children.get(index)?;
            if let Some(node) = moved.node.upgrade() {
                if let Some(of_moved) = node.place(moved.side) {
                    of_moved.set(place);
                }
                return Some(node);
            }
            // It is being dropped and cannot be told, so it goes too.
            children.swap_remove(index);
        }
    }

    /// Whether the waiter with this key would be woken as `waker` is.
    pub(crate) fn will_wake(&self, key: Key, waker: &Waker) -> bool {
        if key == Key::FIRST {
            return matches!(&self.first, First::Waiter(known) if known.will_wake(waker));
        }
        match &self.more {
            Some(more) => more.waiters.will_wake(key, waker),
            None => false,
        }
    }

    /// Puts the waker in, in the place `key` if it has one, and returns its place and whom it replaced.
    #[inline]
    pub(crate) fn put(&mut self, key: Key, waker: Waker) -> (Key, Option<Waker>) {
        match &mut self.first {
            First::Waiter(known) if key == Key::FIRST => {
                (key, Some(std::mem::replace(known, waker)))
            }
            First::Child(None) if key == Key::NONE => {
                self.first = First::Waiter(waker);
                (Key::FIRST, None)
            }
            _ => self.more().waiters.put(key, waker),
        }
    }

    /// Puts in the waker of one that has no place yet, and returns its place.
    #[inline]
    pub(crate) fn put_first(&mut self, waker: Waker) -> Key {
        if let First::Child(None) = self.first {
            self.first = First::Waiter(waker);
            return Key::FIRST;
        }
        self.more().waiters.put(Key::NONE, waker).0
    }

    /// Takes a waiter out.
    #[inline]
    pub(crate) fn remove(&mut self, key: Key) -> Option<Waker> {
        if key != Key::FIRST {
            return self.more.as_mut()?.waiters.remove(key);
        }
        match std::mem::replace(&mut self.first, First::Child(None)) {
            First::Waiter(waker) => Some(waker),
            child @ First::Child(_) => {
                self.first = child;
                None
            }
        }
    }

    /// Takes the waiter out, if there is just one, and it is in the node itself.
    #[inline]
    pub(crate) fn take_only_waiter(&mut self) -> Option<Waker> {
        if matches!(&self.more, Some(more) if !more.waiters.is_empty()) {
            return None;
        }
        self.take_first_waiter()
    }

    #[inline]
    fn take_first_waiter(&mut self) -> Option<Waker> {
        if let First::Child(_) = self.first {
            return None;
        }
        match std::mem::replace(&mut self.first, First::Child(None)) {
            First::Waiter(waker) => Some(waker),
            First::Child(_) => None,
        }
    }

    /// Takes every waiter out.
    #[inline]
    pub(crate) fn drain_into(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.take_first_waiter());
        if let Some(more) = &mut self.more {
            more.waiters.drain_into(wakers);
        }
    }

    #[inline]
    pub(crate) fn has_callbacks(&self) -> bool {
        self.more.as_ref().is_some_and(|it| it.callbacks.is_some())
    }

    pub(crate) fn callbacks(&mut self) -> Option<&mut Callbacks> {
        self.more.as_mut()?.callbacks.as_deref_mut()
    }

    pub(crate) fn callbacks_or(&mut self, make: impl FnOnce() -> Callbacks) -> &mut Callbacks {
        self.more()
            .callbacks
            .get_or_insert_with(|| Box::new(make()))
    }

    pub(crate) fn take_callbacks(&mut self) -> Option<Box<Callbacks>> {
        self.more.as_mut()?.callbacks.take()
    }

    #[cfg(feature = "tokio-util")]
    pub(crate) fn token(&self) -> Option<Arc<tokio_util::sync::CancellationToken>> {
        self.more.as_ref()?.token.clone()
    }

    /// Keeps the scope's token, unless there is one; returns the one that there is.
    #[cfg(feature = "tokio-util")]
    pub(crate) fn keep_token(
        &mut self,
        token: Arc<tokio_util::sync::CancellationToken>,
    ) -> Arc<tokio_util::sync::CancellationToken> {
        Arc::clone(self.more().token.get_or_insert(token))
    }

    #[cfg(all(test, ctx_loom))]
    pub(crate) fn child_count(&self) -> usize {
        self.listed().len() + usize::from(self.inline_child().is_some())
    }
}
