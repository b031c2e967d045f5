//! One value added to a context, and how it is found again without walking the chain (rule V3).
//!
//! The layers of a chain form a trie over the numbers of their keys, and the newest layer is its root. A
//! number is read from its low end: two digits of two bits, then single bits. For each digit, a layer
//! points at the newest older layers whose numbers agree with its own in all the digits before and differ
//! in this one: `near[4 * digit + d]` for the value `d` of that digit, and one for each single bit. A look-up
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

const SLOTS: usize = 8;
const FAR_FROM: usize = 4;
const FAR_BITS: usize = 12;

pub(crate) struct Layer {
    near: [Option<Arc<Node>>; SLOTS],
    body: Box<Body<dyn Any + Send + Sync>>,
}

struct Body<T: ?Sized> {
    key: &'static dyn AnyKey,
    far: Option<Far>,
    value: T,
}

#[derive(Clone, Default)]
struct Far {
    bits: [Option<Arc<Node>>; FAR_BITS],
    /// The newest older layer whose number has the same low bits but is another.
    same_bits: Option<Arc<Node>>,
}

/// The first digit in which two numbers differ.
enum Difference {
    /// One of two bits, whose slots start here.
    Digit(usize),
    Bit(usize),
    Beyond,
    None,
}

#[inline]
fn difference(a: u32, b: u32) -> Difference {
    let differ = a ^ b;
    if differ & 0b11 != 0 {
        Difference::Digit(0)
    } else if differ & 0b1100 != 0 {
        Difference::Digit(4)
    } else if differ == 0 {
        Difference::None
    } else {
        let bit = differ.trailing_zeros() as usize - FAR_FROM;
        if bit < FAR_BITS {
            Difference::Bit(bit)
        } else {
            Difference::Beyond
        }
    }
}

/// Where the digit whose slots start at `first` leads for this number.
#[inline]
fn slot(first: usize, number: u32) -> usize {
    first + (number as usize >> (first / 2)) % 4
}

/// Puts a value on top of `up`.
pub(crate) fn add<T: Send + Sync + 'static>(
    up: Option<&Arc<Node>>,
    key: &'static Key<T>,
    value: T,
) -> Arc<Node> {
    add_body(
        up,
        Box::new(Body {
            key,
            far: None,
            value,
        }),
    )
}

fn add_body(up: Option<&Arc<Node>>, body: Box<Body<dyn Any + Send + Sync>>) -> Arc<Node> {
    let number = body.key.number();
    let mut layer = Layer {
        near: [const { None }; SLOTS],
        body,
    };
    layer.copy_path(number, up.and_then(values));
    let near = up.and_then(line).cloned();
    Node::layer(number, up.cloned(), near, layer)
}

/// The nearest value for the key with this number, from `node` up.
#[inline]
pub(crate) fn find(node: &Arc<Node>, number: u32) -> Option<&Layer> {
    let mut here = values(node)?;
    loop {
        let (known, layer) = here.as_layer()?;
        // The branches are foreseen, and so no step waits for the number that it compares.
        here = match difference(known, number) {
            Difference::None => return Some(layer),
            Difference::Digit(first) => layer.near[slot(first, number)].as_ref()?,
            Difference::Bit(bit) => layer.body.far.as_ref()?.bits[bit].as_ref()?,
            Difference::Beyond => layer.body.far.as_ref()?.same_bits.as_ref()?,
        };
    }
}

impl Layer {
    pub(crate) fn value(&self) -> &(dyn Any + Send + Sync) {
        &self.body.value
    }

    /// Prints the key's name, and the value if the key opted in (rule V4).
    pub(crate) fn describe(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        self.body.key.describe(&self.body.value, f)
    }

    /// Fills in the pointers from the trie whose root is `root`, as if this layer were added to it.
    fn copy_path(&mut self, number: u32, root: Option<&Arc<Node>>) {
        let mut settled = 0;
        let mut next = root;
        while let Some((node, (known, layer))) =
            next.and_then(|node| Some((node, node.as_layer()?)))
        {
            let difference = difference(known, number);
            if let Difference::Digit(first) = difference {
                // The newer digits of the path are this layer's; its own value of this digit goes on.
                self.near[settled..first + 4].clone_from_slice(&layer.near[settled..first + 4]);
                let own = slot(first, number);
                self.near[own] = None;
                self.near[slot(first, known)] = Some(Arc::clone(node));
                next = layer.near[own].as_ref();
                settled = first + 4;
                continue;
            }
            if settled < SLOTS {
                self.near[settled..].clone_from_slice(&layer.near[settled..]);
                settled = SLOTS;
            }
            next = self.copy_far(&difference, node, layer, settled);
            if let Difference::Bit(bit) = difference {
                settled = SLOTS + bit + 1;
            }
        }
    }

    /// The same for the bits, from the one that `settled` points at; where the path goes on.
    fn copy_far<'n>(
        &mut self,
        difference: &Difference,
        node: &Arc<Node>,
        layer: &'n Layer,
        settled: usize,
    ) -> Option<&'n Arc<Node>> {
        let theirs = layer.body.far.as_ref();
        if theirs.is_none() && matches!(difference, Difference::None) {
            return None;
        }
        let from = settled - SLOTS;
        let far = self.body.far.get_or_insert_default();
        let end = match difference {
            Difference::Bit(bit) => *bit,
            _ => FAR_BITS,
        };
        if let Some(theirs) = theirs {
            far.bits[from..end].clone_from_slice(&theirs.bits[from..end]);
        }
        match difference {
            Difference::Bit(bit) => {
                far.bits[*bit] = Some(Arc::clone(node));
                return theirs?.bits[*bit].as_ref();
            }
            Difference::Beyond => far.same_bits = Some(Arc::clone(node)),
            _ => far.same_bits.clone_from(&theirs?.same_bits),
        }
        None
    }

    /// Drops the links to ancestors, which `up` still holds.
    pub(crate) fn forget_ancestors(&mut self) {
        self.near = [const { None }; SLOTS];
        self.body.far = None;
    }
}

#[cfg(all(test, not(ctx_loom)))]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn numbered(up: Option<&Arc<Node>>, number: u32, value: usize) -> Arc<Node> {
        crate::ctx_value! { SOME: usize; }
        let mut layer = Layer {
            near: [const { None }; SLOTS],
            body: Box::new(Body {
                key: &SOME,
                far: None,
                value,
            }),
        };
        layer.copy_path(number, up.and_then(values));
        Node::layer(number, up.cloned(), None, layer)
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
