//! One value added to a context, and how it is found again without walking the chain (rule V3).
//!
//! 1. The first four layers of a chain are *low*: they hold a value and nothing else, and are found by a
//!    walk. Most requests carry no more than that.
//! 2. The layers above those form a trie over the numbers of their keys, and the newest is its root. A
//!    number is read from its low end: two digits of two bits, then single bits. For each digit, a layer
//!    points at the newest older layers whose numbers agree with its own in all the digits before and differ
//!    in this one. A look-up goes from the root to the layer for the first digit that differs, so each step
//!    settles at least one digit more: for sixteen keys two steps are enough, whatever the depth of the tree.
//! 3. Where a pointer of the trie leads to a low layer, a walk from there meets every older layer there is.
//!
//! So a look-up takes as many steps as the keys have digits, and four. Adding a layer copies one path.
//!
//! Keys are numbered from zero in the order of their first use, which keeps the trie shallow. The node has
//! room for the digits and for two bits, and what programs of more than 64 keys need stands with the value. So
//! a value costs two allocations, the node and the value. Beyond 2^16 keys in one program those that share the
//! low sixteen bits form a list.

use crate::{
    node::{Kind, Node, line, values},
    value::{AnyKey, Key},
};
use std::{any::Any, fmt, sync::Arc};

/// So many layers are low.
const LOW: u8 = 4;
const DIGITS: usize = 2;
const BITS_FROM: usize = 2 * DIGITS;
const FAR_FROM: usize = BITS_FROM + DIGITS;
const FAR_BITS: usize = 10;

type Value = dyn Any + Send + Sync;

/// For each digit, the layers that differ in it, by its value. None differs in the layer's own value: that
/// place has those that agree in all the digits and differ in a bit, for the first digit in the first bit,
/// for the second in the second.
type Near = [[Option<Arc<Node>>; 4]; DIGITS];

/// One of the first layers.
pub(crate) struct Low {
    /// How many there are, with it.
    height: u8,
    body: Box<Body<(), Value>>,
}

pub(crate) struct Layer {
    near: Near,
    body: Box<Body<Option<Far>, Value>>,
}

struct Body<F, T: ?Sized> {
    key: &'static dyn AnyKey,
    far: F,
    value: T,
}

#[derive(Default)]
struct Far {
    bits: [Option<Arc<Node>>; FAR_BITS],
    /// The newest older layer whose number has the same low bits but is another.
    same_bits: Option<Arc<Node>>,
}

#[inline]
fn value_of(digit: usize, number: u32) -> usize {
    (number >> (2 * digit)) as usize % 4
}

/// Whether two numbers are apart in a digit, where `apart` has the bits in which they are.
#[inline]
fn in_digit(digit: usize, apart: u32) -> bool {
    value_of(digit, apart) != 0
}

/// The same for a bit that the node has room for.
#[inline]
fn in_bit(bit: usize, apart: u32) -> bool {
    apart >> (BITS_FROM + bit) & 1 != 0
}

/// The first of the other bits in which two numbers are apart.
#[inline]
fn far_bit(apart: u32) -> usize {
    (apart >> FAR_FROM).trailing_zeros() as usize
}

/// Puts a value on top of `up`.
#[inline]
pub(crate) fn add<T: Send + Sync + 'static>(
    up: Option<&Arc<Node>>,
    key: &'static Key<T>,
    value: T,
) -> Arc<Node> {
    add_numbered(up, AnyKey::number(key), key, value)
}

#[inline]
fn add_numbered<T: Send + Sync + 'static>(
    up: Option<&Arc<Node>>,
    number: u32,
    key: &'static Key<T>,
    value: T,
) -> Arc<Node> {
    let Some(height) = height_above(up) else {
        let far = None;
        let body = Box::new(Body { key, far, value });
        return put_indexed(up, number, body);
    };
    let far = ();
    let body = Box::new(Body { key, far, value });
    put(up, number, Kind::Low(Low { height, body }))
}

/// How many low layers there are with one on top of `up`, if that is to be low.
#[inline]
fn height_above(up: Option<&Arc<Node>>) -> Option<u8> {
    let Some(below) = up.and_then(values) else {
        return Some(1);
    };
    match &below.kind {
        Kind::Low(low) if low.height < LOW => Some(low.height + 1),
        _ => None,
    }
}

#[inline]
fn put(up: Option<&Arc<Node>>, number: u32, kind: Kind) -> Arc<Node> {
    let near = up.and_then(line).cloned();
    Node::layer(number, up.cloned(), near, kind)
}

#[inline(never)]
fn put_indexed(
    up: Option<&Arc<Node>>,
    number: u32,
    mut body: Box<Body<Option<Far>, Value>>,
) -> Arc<Node> {
    let mut path = Path {
        number,
        next: up.and_then(values),
    };
    let mut near = [0, 1].map(|digit| path.copy_digit(digit));
    if path.next.is_some() {
        for (bit, digit) in near.iter_mut().enumerate() {
            digit[value_of(bit, number)] = path.copy_bit(bit);
        }
        path.copy_far(&mut body.far);
        path.add_low(&mut near, &mut body.far);
    }
    put(up, number, Kind::Layer(Layer { near, body }))
}

/// The nearest value for the key with this number, from `node` up.
///
/// It is one function for all types, and the caller asks for the type of what it finds: where both were one,
/// that answer came through memory and waited for the walk, and a look-up took three times as long.
#[inline(never)]
pub(crate) fn find(node: &Arc<Node>, number: u32) -> Option<&Value> {
    let mut here = values(node)?;
    loop {
        let apart = here.number() ^ number;
        // The branches are foreseen, and so no step waits for the number that it compares.
        here = if let Kind::Layer(layer) = &here.kind {
            if apart == 0 {
                return Some(&layer.body.value);
            }
            layer.next(number, apart)?
        } else if let Kind::Low(low) = &here.kind {
            if apart == 0 {
                return Some(&low.body.value);
            }
            here.older()?
        } else {
            return None;
        };
    }
}

/// The way of a new layer's number through the trie.
struct Path<'n> {
    number: u32,
    /// Where it has come to: the newest layer that agrees in all the digits before.
    next: Option<&'n Arc<Node>>,
}

impl<'n> Path<'n> {
    /// Where it has come to, if that is in the trie, and how the numbers are apart.
    #[inline]
    fn here(&self) -> Option<(&'n Arc<Node>, u32, &'n Layer)> {
        let node = self.next?;
        match &node.kind {
            Kind::Layer(layer) => Some((node, node.number() ^ self.number, layer)),
            _ => None,
        }
    }

    /// One digit of the new layer's pointers, but for its own value.
    #[inline]
    fn copy_digit(&mut self, digit: usize) -> [Option<Arc<Node>>; 4] {
        let Some((node, apart, layer)) = self.here() else {
            return [const { None }; 4];
        };
        let theirs: &'n [_; 4] = &layer.near[digit];
        let own = value_of(digit, self.number);
        let known = own ^ value_of(digit, apart);
        if known != own {
            self.next = theirs[own].as_ref();
        }
        std::array::from_fn(|value| {
            if value == own {
                None
            } else if value == known {
                Some(Arc::clone(node))
            } else {
                theirs[value].clone()
            }
        })
    }

    /// One bit of those that the node has room for.
    #[inline]
    fn copy_bit(&mut self, bit: usize) -> Option<Arc<Node>> {
        let (node, apart, layer) = self.here()?;
        let theirs = layer.near[bit][value_of(bit, self.number)].as_ref();
        if !in_bit(bit, apart) {
            return theirs.cloned();
        }
        self.next = theirs;
        Some(Arc::clone(node))
    }

    /// The other bits, if any number in view has other ones.
    fn copy_far(&mut self, far: &mut Option<Far>) {
        let mut settled = 0;
        while let Some((node, apart, layer)) = self.here() {
            let theirs = layer.body.far.as_ref();
            if apart == 0 && theirs.is_none() {
                return;
            }
            let ours = far.get_or_insert_with(Far::default);
            let bit = far_bit(apart);
            let end = bit.min(FAR_BITS);
            if let Some(theirs) = theirs {
                ours.bits[settled..end].clone_from_slice(&theirs.bits[settled..end]);
            }
            if bit < FAR_BITS {
                ours.bits[bit] = Some(Arc::clone(node));
                self.next = theirs.and_then(|theirs| theirs.bits[bit].as_ref());
                settled = bit + 1;
                continue;
            }
            ours.same_bits = if apart == 0 {
                theirs.and_then(|theirs| theirs.same_bits.clone())
            } else {
                Some(Arc::clone(node))
            };
            return;
        }
    }

    /// The low layers, if it has come to one: each is pointed at unless something newer is, or it has the
    /// new layer's own number.
    fn add_low(mut self, near: &mut Near, far: &mut Option<Far>) {
        while let Some(node) = self.next {
            let Kind::Low(_) = &node.kind else { return };
            let known = node.number();
            if let Some(place) = place_of(known, self.number, near, far) {
                place.get_or_insert_with(|| Arc::clone(node));
            }
            self.next = node.older();
        }
    }
}

/// Where the layer with the number `own` points at one with the number `known`.
fn place_of<'p>(
    known: u32,
    own: u32,
    near: &'p mut Near,
    far: &'p mut Option<Far>,
) -> Option<&'p mut Option<Arc<Node>>> {
    let apart = known ^ own;
    if apart == 0 {
        return None;
    }
    for digit in 0..DIGITS {
        if in_digit(digit, apart) {
            return Some(&mut near[digit][value_of(digit, known)]);
        }
    }
    for bit in 0..DIGITS {
        if in_bit(bit, apart) {
            return Some(&mut near[bit][value_of(bit, own)]);
        }
    }
    let far = far.get_or_insert_with(Far::default);
    Some(match far.bits.get_mut(far_bit(apart)) {
        Some(bit) => bit,
        None => &mut far.same_bits,
    })
}

impl Layer {
    /// Where to look further for a number that is another than this layer's.
    #[inline]
    fn next(&self, number: u32, apart: u32) -> Option<&Arc<Node>> {
        let [first, second] = &self.near;
        if in_digit(0, apart) {
            first[value_of(0, number)].as_ref()
        } else if in_digit(1, apart) {
            second[value_of(1, number)].as_ref()
        } else if in_bit(0, apart) {
            first[value_of(0, number)].as_ref()
        } else if in_bit(1, apart) {
            second[value_of(1, number)].as_ref()
        } else {
            let far = self.body.far.as_ref()?;
            far.bits
                .get(far_bit(apart))
                .unwrap_or(&far.same_bits)
                .as_ref()
        }
    }

    /// Prints the key's name, and the value if the key opted in (rule V4).
    pub(crate) fn describe(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        self.body.describe(f)
    }

    /// Drops the links to ancestors, which `up` still holds.
    #[inline]
    pub(crate) fn forget_ancestors(&mut self) {
        self.near = [const { [const { None }; 4] }; DIGITS];
        self.body.far = None;
    }
}

impl Low {
    /// Prints the key's name, and the value if the key opted in (rule V4).
    pub(crate) fn describe(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        self.body.describe(f)
    }
}

impl<F> Body<F, Value> {
    fn describe(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        self.key.describe(&self.value, f)
    }
}

#[cfg(all(test, not(ctx_loom)))]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn numbered(up: Option<&Arc<Node>>, number: u32, value: usize) -> Arc<Node> {
        crate::ctx_value! { SOME: usize; }
        add_numbered(up, number, &SOME, value)
    }

    /// Against a map, for numbers that are dense, and that differ in any digit or only beyond all of them.
    #[test]
    fn v3_the_nearest_value_is_found_for_every_number() {
        let mut dice = 7_u64;
        let mut roll = move |sides: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u32::try_from((dice >> 33) % sides).unwrap()
        };
        for spread in [4, 20, 300, 70_000] {
            for stride in [1, 16, 1 << 14] {
                let (mut top, mut known) = (None, HashMap::new());
                for value in 0..300 {
                    let number = roll(spread.min(3 * value as u64 + 1)) * stride;
                    top = Some(numbered(top.as_ref(), number, value));
                    known.insert(number, value);
                    let asked = if value % 2 == 0 {
                        number
                    } else {
                        roll(spread) * stride
                    };
                    let found = find(top.as_ref().unwrap(), asked);
                    let found = found.and_then(|value| value.downcast_ref::<usize>());
                    assert_eq!(
                        found,
                        known.get(&asked),
                        "{asked} among {spread} by {stride}"
                    );
                }
                let top = top.unwrap();
                for (number, value) in &known {
                    let found = find(&top, *number).unwrap();
                    assert_eq!(found.downcast_ref(), Some(value));
                }
            }
        }
    }
}
