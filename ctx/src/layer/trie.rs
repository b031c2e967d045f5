//! The trie of the layers: which older ones each of them points at.
//!
//! 1. A number is read from its low end: one digit of two bits, then single bits. For each digit a layer points
//!    at the newest older layers whose numbers agree with its own in all the digits before and differ in
//!    this one. A look-up goes from a layer to that for the first digit that differs, and what it comes to agrees
//!    with the wanted number in that digit too. So each step settles at least one digit more, whatever the depth of
//!    the tree; and where there is no such layer there is none with the number.
//! 2. The newest older layer that agrees with a number in some digits is either the layer right below, or what
//!    that one points at for the first digit in which it does not. So the pointers of a layer are copied from the
//!    layers on the way of its number through the trie, at one of them for each digit. They are all older than
//!    it, and each of them but the low ones has its pointers, since a layer is above it.
//! 3. Low layers have no pointers. They are older than all others, so they come last on the way, and are taken
//!    one by one where nothing newer stands.
//!
//! Keys are numbered from one on in the order of their first use, which keeps the trie shallow. The node has room
//! for what 32 keys need. Where there are more, a *fork* stands beside it, which has the pointers for the further bits.
//! Beyond 2^13 keys in one program those that share the low thirteen bits form a list.

use super::{LOW, Layer};
use crate::node::{Kind, Node};
use std::{
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// The bits that the node has a place for.
const BITS: [usize; 2] = [2, 3];
/// The first one that has its place in a fork.
const FORK_FROM: usize = 4;
const FORK_BITS: usize = 13 - FORK_FROM;

/// The layers that differ in the digit, by its value, and those that first differ in one of the bits. None
/// differs in the layer's own digit: that place has those that first differ in the next bit, or the fork, which has
/// these and others.
pub(super) type Near = Pointers<6>;

/// Those that first differ in one of the other bits, and in the last place the newest older layer whose number
/// has the same low bits but is another.
pub(crate) type Fork = Pointers<{ FORK_BITS + 1 }>;

/// They are dropped by a call, and not where a node is: the end of a scope, which has none of them, would be made
/// of that code for the most part.
pub(crate) struct Pointers<const N: usize>(ManuallyDrop<[Option<Arc<Node>>; N]>);

impl<const N: usize> Pointers<N> {
    const NONE: Self = Self(ManuallyDrop::new([const { None }; N]));
}

impl<const N: usize> Deref for Pointers<N> {
    type Target = [Option<Arc<Node>>; N];

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<const N: usize> DerefMut for Pointers<N> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<const N: usize> Drop for Pointers<N> {
    #[inline(never)]
    fn drop(&mut self) {
        for pointer in &mut **self {
            drop(pointer.take());
        }
    }
}

/// The digit: where `near` has the layers with it.
#[inline]
fn digit(number: u32) -> usize {
    number as usize % 4
}

/// Where `near` has the layers that first differ in one of `BITS`.
#[inline]
fn place_of_bit(bit: usize) -> usize {
    bit + 2
}

#[inline]
fn differ_in_bit(bit: usize, apart: u32) -> bool {
    apart >> bit & 1 != 0
}

/// Where a fork has the layers that are so far apart.
#[inline]
fn place_in_fork(apart: u32) -> usize {
    let bit = (apart >> FORK_FROM).trailing_zeros() as usize;
    bit.min(FORK_BITS)
}

/// Where to look further for a number that is so far from a layer's.
#[inline]
pub(super) fn next(near: &Near, number: u32, apart: u32) -> Option<&Arc<Node>> {
    if digit(apart) == 0 {
        for bit in BITS {
            if differ_in_bit(bit, apart) {
                return near[place_of_bit(bit)].as_ref();
            }
        }
    }
    near[digit(number)].as_ref()
}

/// The same at the fork of that layer.
#[cold]
pub(super) fn further(fork: &Node, number: u32) -> Option<&Arc<Node>> {
    match &fork.kind {
        Kind::Fork(pointers) => pointers[place_in_fork(fork.number() ^ number)].as_ref(),
        _ => None,
    }
}

/// The way of a layer's number through the trie of the older ones.
struct Path<'n> {
    number: u32,
    /// Where it has come to: the newest layer that agrees in all the digits before.
    next: Option<&'n Arc<Node>>,
    near: Near,
    /// What the layer needs beyond the next bit.
    fork: Option<Fork>,
}

/// A layer on the way, and how the numbers are apart.
struct Step<'n> {
    node: &'n Arc<Node>,
    apart: u32,
    near: &'n Near,
}

impl<'n> Step<'n> {
    /// What it points at besides its digit and its bits.
    fn beyond(&self) -> (Option<&'n Arc<Node>>, Option<&'n Fork>) {
        let beyond = self.near[digit(self.node.number())].as_ref();
        match beyond.map(|node| &node.kind) {
            Some(Kind::Fork(fork)) => (fork[0].as_ref(), Some(fork)),
            _ => (beyond, None),
        }
    }
}

impl<'n> Path<'n> {
    /// Where it has come to, if that is in the trie.
    #[inline]
    fn here(&self) -> Option<Step<'n>> {
        let node = self.next?;
        let Kind::Layer(layer) = &node.kind else {
            return None;
        };
        Some(Step {
            node,
            apart: node.number() ^ self.number,
            near: layer.near.get()?,
        })
    }

    #[inline]
    fn copy_digit(&mut self) {
        let Some(step) = self.here() else { return };
        let own = digit(self.number);
        let known = digit(step.node.number());
        for value in 0..4 {
            self.near[value] = if value == own {
                None
            } else if value == known {
                Some(Arc::clone(step.node))
            } else {
                step.near[value].clone()
            };
        }
        if known != own {
            self.next = step.near[own].as_ref();
        }
    }

    /// One of the bits that the node has a place for.
    #[inline]
    fn copy_bit(&mut self, bit: usize) {
        let Some(step) = self.here() else { return };
        let theirs = step.near[place_of_bit(bit)].as_ref();
        self.near[place_of_bit(bit)] = if differ_in_bit(bit, step.apart) {
            self.next = theirs;
            Some(Arc::clone(step.node))
        } else {
            theirs.cloned()
        };
    }

    /// The bit after these, which needs no fork.
    fn copy_next_bit(&mut self) {
        let Some(step) = self.here() else { return };
        let (theirs, _) = step.beyond();
        self.near[digit(self.number)] = if differ_in_bit(FORK_FROM, step.apart) {
            self.next = theirs;
            Some(Arc::clone(step.node))
        } else {
            theirs.cloned()
        };
    }

    /// The other bits, if any number in view has other ones.
    fn copy_fork(&mut self) {
        let mut settled = 1;
        while let Some(step) = self.here() {
            let (_, theirs) = step.beyond();
            if step.apart == 0 && theirs.is_none() {
                return;
            }
            let ours = self.fork.get_or_insert(Fork::NONE);
            let place = place_in_fork(step.apart);
            if let Some(theirs) = theirs {
                ours[settled..place].clone_from_slice(&theirs[settled..place]);
            }
            let theirs = theirs.and_then(|theirs| theirs[place].as_ref());
            ours[place] = if step.apart == 0 {
                theirs.cloned()
            } else {
                Some(Arc::clone(step.node))
            };
            if place == FORK_BITS {
                return;
            }
            self.next = theirs;
            settled = place + 1;
        }
    }

    /// The low layers, if it has come to one: each is pointed at unless something newer is, or it has the
    /// layer's own number.
    fn add_low(&mut self) {
        while let Some(node) = self.next {
            if node.height > LOW {
                return;
            }
            let apart = node.number() ^ self.number;
            if apart != 0 {
                self.place_of(apart).get_or_insert_with(|| Arc::clone(node));
            }
            self.next = node.older();
        }
    }

    /// Where the layer points at one that is so far apart.
    fn place_of(&mut self, apart: u32) -> &mut Option<Arc<Node>> {
        if digit(apart) != 0 {
            return &mut self.near[digit(self.number ^ apart)];
        }
        for bit in BITS {
            if differ_in_bit(bit, apart) {
                return &mut self.near[place_of_bit(bit)];
            }
        }
        match place_in_fork(apart) {
            0 => &mut self.near[digit(self.number)],
            place => &mut self.fork.get_or_insert(Fork::NONE)[place],
        }
    }

    /// Puts what it has found for a fork there.
    #[inline]
    fn close(&mut self) {
        if self.fork.is_some() {
            self.make_fork();
        }
    }

    #[cold]
    fn make_fork(&mut self) {
        let Some(mut fork) = self.fork.take() else {
            return;
        };
        let beyond = &mut self.near[digit(self.number)];
        fork[0] = beyond.take();
        *beyond = Some(Node::fork(self.number, fork));
    }
}

impl Layer {
    /// Gives this layer, which is the one of `node`, its pointers.
    #[inline(never)]
    pub(super) fn point(&self, node: &Node) {
        let mut path = Path {
            number: node.number(),
            next: node.older(),
            near: Near::NONE,
            fork: None,
        };
        path.copy_digit();
        for bit in BITS {
            path.copy_bit(bit);
        }
        if path.next.is_some() {
            path.copy_next_bit();
            path.copy_fork();
            path.add_low();
        }
        path.close();
        // Another thread may have been faster, with the same pointers.
        let _ = self.near.set(path.near);
    }

    /// Drops the links to ancestors, which `up` still holds.
    #[inline]
    pub(crate) fn forget_ancestors(&mut self) {
        if self.near.get().is_some() {
            self.forget_pointers();
        }
    }

    fn forget_pointers(&mut self) {
        drop(self.near.take());
    }
}
