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
//! Keys are numbered from zero in the order of their first use, which keeps the trie shallow. The node has room
//! for what 32 keys need, and the rest has an allocation of its own. Beyond 2^15 keys in one program those that share the
//! low fifteen bits form a list.

use super::{LOW, Layer};
use crate::{
    node::{Kind, Node},
    sync::OnceLock,
};
use std::{
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// The bits that the node has room for, from the lowest to the last one: that stands apart.
const BITS: [usize; 2] = [2, 3];
const LAST_BIT: usize = 4;
const FAR_FROM: usize = LAST_BIT + 1;
const FAR_BITS: usize = 15 - FAR_FROM;

/// The layers that differ in the digit, by its value, and those that first differ in one of the bits. None
/// differs in the layer's own digit: that place has those that first differ in the last bit.
pub(super) type Near = Pointers<6>;

/// Those that first differ in one of the other bits, and in the last place the newest older layer whose number
/// has the same low bits but is another.
pub(super) type Far = Pointers<{ FAR_BITS + 1 }>;

/// They are dropped by a call, and not where a node is: the end of a scope, which has none of them, would be made
/// of that code for the most part.
pub(super) struct Pointers<const N: usize>(ManuallyDrop<[Option<Arc<Node>>; N]>);

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

/// Where `Far` has the layers that are so far apart.
#[inline]
fn far_place(apart: u32) -> usize {
    let bit = (apart >> FAR_FROM).trailing_zeros() as usize;
    bit.min(FAR_BITS)
}

/// Where to look further for a number that is so far from a layer's.
#[inline]
pub(super) fn next<'l>(
    near: &'l Near,
    far: &'l OnceLock<Box<Far>>,
    number: u32,
    apart: u32,
) -> Option<&'l Arc<Node>> {
    if digit(apart) != 0 {
        return near[digit(number)].as_ref();
    }
    for bit in BITS {
        if differ_in_bit(bit, apart) {
            return near[place_of_bit(bit)].as_ref();
        }
    }
    if differ_in_bit(LAST_BIT, apart) {
        return near[digit(number)].as_ref();
    }
    far.get()?[far_place(apart)].as_ref()
}

/// The way of a layer's number through the trie of the older ones.
struct Path<'n> {
    number: u32,
    /// Where it has come to: the newest layer that agrees in all the digits before.
    next: Option<&'n Arc<Node>>,
    near: Near,
    far: Option<Box<Far>>,
}

/// A layer on the way, and how the numbers are apart.
struct Step<'n> {
    node: &'n Arc<Node>,
    apart: u32,
    near: &'n Near,
    far: Option<&'n Far>,
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
            far: layer.body.far.get().map(|far| &**far),
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

    /// One of the bits that the node has room for.
    #[inline]
    fn copy_bit(&mut self, bit: usize, place: usize) {
        let Some(step) = self.here() else { return };
        let theirs = step.near[place].as_ref();
        if differ_in_bit(bit, step.apart) {
            self.near[place] = Some(Arc::clone(step.node));
            self.next = theirs;
        } else {
            self.near[place] = theirs.cloned();
        }
    }

    /// The other bits, if any number in view has other ones.
    fn copy_far(&mut self) {
        let mut settled = 0;
        while let Some(step) = self.here() {
            if step.apart == 0 && step.far.is_none() {
                return;
            }
            let ours = self.far.get_or_insert_with(|| Box::new(Far::NONE));
            let place = far_place(step.apart);
            if let Some(theirs) = step.far {
                ours[settled..place].clone_from_slice(&theirs[settled..place]);
            }
            let theirs = step.far.and_then(|theirs| theirs[place].as_ref());
            ours[place] = if step.apart == 0 {
                theirs.cloned()
            } else {
                Some(Arc::clone(step.node))
            };
            if place == FAR_BITS {
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
        if differ_in_bit(LAST_BIT, apart) {
            return &mut self.near[digit(self.number)];
        }
        &mut self.far.get_or_insert_with(|| Box::new(Far::NONE))[far_place(apart)]
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
            far: None,
        };
        path.copy_digit();
        for bit in BITS {
            path.copy_bit(bit, place_of_bit(bit));
        }
        if path.next.is_some() {
            path.copy_bit(LAST_BIT, digit(path.number));
            path.copy_far();
            path.add_low();
        }
        // Another thread may have been faster, with the same pointers.
        if let Some(far) = path.far {
            let _ = self.body.far.set(far);
        }
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
        drop((self.near.take(), self.body.far.take()));
    }
}
