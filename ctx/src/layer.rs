//! One value added to a context, and how it is found again without walking the chain (rule V3).
//!
//! The layers of a chain form a trie over the numbers of their keys, and the newest layer is its root. A
//! number is read from its low end: two digits of two bits, then single bits. For each digit, a layer
//! points at the newest older layers whose numbers agree with its own in all the digits before and differ
//! in this one: `near[digit][d]` for the value `d` of that digit, and one for each single bit. A look-up
//! goes from the root to the layer for the first digit that differs, so each step settles at least one
//! digit more: for sixteen keys two steps are enough, whatever the depth of the tree. Adding a layer copies
//! one path.
//!
//! Keys are numbered from zero in the order of their first use, which keeps the trie shallow: the digits
//! stand in the node, and the single bits, for programs of more than sixteen keys, with the value. So a value
//! costs two allocations, the node and the value. Beyond 2^16 keys in one program those that share the low
//! sixteen bits form a list.

use crate::{
    node::{Node, line, values},
    value::{AnyKey, Key},
};
use std::{any::Any, fmt, sync::Arc};

const DIGITS: usize = 2;
const FAR_FROM: u32 = 4;
const FAR_BITS: usize = 12;

/// For each digit, the layers that differ in it, by its value; none for the layer's own value.
type Near = [[Option<Arc<Node>>; 4]; DIGITS];

pub(crate) struct Layer {
    near: Near,
    body: Box<Body<dyn Any + Send + Sync>>,
}

struct Body<T: ?Sized> {
    key: &'static dyn AnyKey,
    far: Option<Far>,
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

/// The first bit after the digits in which two numbers differ.
#[inline]
fn far_difference(a: u32, b: u32) -> usize {
    ((a ^ b) >> FAR_FROM).trailing_zeros() as usize
}

/// Puts a value on top of `up`.
pub(crate) fn add<T: Send + Sync + 'static>(
    up: Option<&Arc<Node>>,
    key: &'static Key<T>,
    value: T,
) -> Arc<Node> {
    let body = Body {
        key,
        far: None,
        value,
    };
    add_body(up, up.and_then(line), AnyKey::number(key), Box::new(body))
}

fn add_body(
    up: Option<&Arc<Node>>,
    line: Option<&Arc<Node>>,
    number: u32,
    mut body: Box<Body<dyn Any + Send + Sync>>,
) -> Arc<Node> {
    let mut next = up.and_then(values);
    let near = [0, 1].map(|digit| copy_digit(digit, number, &mut next));
    if let Some(next) = next {
        body.far = copy_far(number, next);
    }
    Node::layer(number, up.cloned(), line.cloned(), Layer { near, body })
}

/// The nearest value for the key with this number, from `node` up.
#[inline]
pub(crate) fn find(node: &Arc<Node>, number: u32) -> Option<&Layer> {
    let mut here = values(node)?;
    loop {
        let (known, layer) = here.as_layer()?;
        let difference = known ^ number;
        if difference == 0 {
            return Some(layer);
        }
        // Which digit differs is chosen without a branch, since a look-up takes another way at each step, and
        // one that is not foreseen costs more than all of it.
        let digits_alike = difference.trailing_zeros() as usize / 2;
        here = match layer.near.get(digits_alike) {
            Some(near) => near[value_of(digits_alike, number)].as_ref()?,
            None => layer.body.far.as_ref()?.next(known, number)?,
        };
    }
}

/// One digit of a new layer's pointers, where the path of its number has come to `next`; and where the path
/// goes on from there.
fn copy_digit<'n>(
    digit: usize,
    number: u32,
    next: &mut Option<&'n Arc<Node>>,
) -> [Option<Arc<Node>>; 4] {
    let Some((node, (known, layer))) = next.and_then(|node| Some((node, node.as_layer()?))) else {
        return [const { None }; 4];
    };
    let theirs: &'n [_; 4] = &layer.near[digit];
    let (known, own) = (value_of(digit, known), value_of(digit, number));
    if known != own {
        *next = theirs[own].as_ref();
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

/// The same for the bits, if any number in view has other ones.
fn copy_far(number: u32, start: &Arc<Node>) -> Option<Far> {
    let mut far = None;
    let mut settled = 0;
    let mut next = Some(start);
    while let Some((node, (known, layer))) = next.and_then(|node| Some((node, node.as_layer()?))) {
        let theirs = layer.body.far.as_ref();
        if known == number && theirs.is_none() {
            break;
        }
        let ours = far.get_or_insert_with(Far::default);
        let bit = far_difference(known, number);
        let end = bit.min(FAR_BITS);
        if let Some(theirs) = theirs {
            ours.bits[settled..end].clone_from_slice(&theirs.bits[settled..end]);
        }
        if bit < FAR_BITS {
            ours.bits[bit] = Some(Arc::clone(node));
            next = theirs.and_then(|theirs| theirs.bits[bit].as_ref());
            settled = bit + 1;
            continue;
        }
        ours.same_bits = if known == number {
            theirs.and_then(|theirs| theirs.same_bits.clone())
        } else {
            Some(Arc::clone(node))
        };
        break;
    }
    far
}

impl Far {
    fn next(&self, known: u32, number: u32) -> Option<&Arc<Node>> {
        match self.bits.get(far_difference(known, number)) {
            Some(differs) => differs.as_ref(),
            None => self.same_bits.as_ref(),
        }
    }
}

impl Layer {
    #[inline]
    pub(crate) fn value(&self) -> &(dyn Any + Send + Sync) {
        &self.body.value
    }

    /// Prints the key's name, and the value if the key opted in (rule V4).
    pub(crate) fn describe(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        self.body.key.describe(&self.body.value, f)
    }

    /// Drops the links to ancestors, which `up` still holds.
    #[inline]
    pub(crate) fn forget_ancestors(&mut self) {
        self.near = [const { [const { None }; 4] }; DIGITS];
        self.body.far = None;
    }
}

#[cfg(all(test, not(ctx_loom)))]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn numbered(up: Option<&Arc<Node>>, number: u32, value: usize) -> Arc<Node> {
        crate::ctx_value! { SOME: usize; }
        let body = Body {
            key: &SOME,
            far: None,
            value,
        };
        add_body(up, None, number, Box::new(body))
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
                    let found = found.and_then(|layer| layer.value().downcast_ref::<usize>());
                    assert_eq!(
                        found,
                        known.get(&asked),
                        "{asked} among {spread} by {stride}"
                    );
                }
                let top = top.unwrap();
                for (number, value) in &known {
                    let found = find(&top, *number).unwrap();
                    assert_eq!(found.value().downcast_ref(), Some(value));
                }
            }
        }
    }
}
