//! One value added to a context, and how it is found again without walking the chain (rule V3).
//!
//! 1. The first four layers of a chain are *low*: they hold a value and nothing else, and are found by a
//!    walk. Most requests carry no more than that.
//! 2. The layers above those form a trie over the numbers of their keys. A number is read from its low end:
//!    two digits of two bits, then single bits. For each digit, a layer points at the newest older layers
//!    whose numbers agree with its own in all the digits before and differ in this one. A look-up goes from a
//!    layer to that for the first digit that differs, so each step settles at least one digit more: for sixteen
//!    keys two steps are enough, whatever the depth of the tree.
//! 3. Where a pointer of the trie leads to a low layer, a walk from there meets every older layer there is.
//! 4. A layer gets its pointers when the first layer is put above it, and not before: the newest layer of a
//!    context has none, and a look-up that misses it goes on at the next older one. So the pointers are there
//!    wherever a look-up or a new layer's path can come to but at its first step, and by induction they can
//!    be copied from the older layers alone.
//!
//! So a look-up takes as many steps as the keys have digits, and five. Adding a layer counts the context
//! below, now and then the line (see `node.rs`), and nothing else, however often layers are put on top of one
//! context; the first of them also copies one path of the trie, for the layer below.
//!
//! Of two threads that give a layer its pointers at once both have found the same ones, since all that they
//! follow never changes. One is kept, and the other gives up its counts, of which none is a last one.
//!
//! Keys are numbered from zero in the order of their first use, which keeps the trie shallow. The node has
//! room for the digits and for one bit, and what programs of more than 32 keys need stands with the value. So
//! a value costs two allocations, the node and the value. Beyond 2^16 keys in one program those that share the
//! low sixteen bits form a list.

use crate::{
    node::{Kind, Node, values},
    sync::OnceLock,
    value::{AnyKey, Key},
};
use std::{any::Any, fmt, sync::Arc};

/// So many layers are low.
const LOW: u8 = 4;
/// The bits that the node has room for, from the lowest to the last one: that stands apart.
const BITS: [usize; 2] = [2, 3];
const LAST_BIT: usize = 4;
const FAR_FROM: usize = LAST_BIT + 1;
const FAR_BITS: usize = 16 - FAR_FROM;

type Value = dyn Any + Send + Sync;

/// The layers that differ in the digit, by its value, and those that first differ in one of the bits. None
/// differs in the layer's own digit: that place has those that first differ in the last bit.
type Near = [Option<Arc<Node>>; 6];

/// One of the first layers.
pub(crate) struct Low {
    /// How many there are, with it.
    height: u8,
    seen: Seen,
    body: Box<Body<(), Value>>,
}

pub(crate) struct Layer {
    seen: Seen,
    /// Empty until there is a layer above it.
    near: OnceLock<Near>,
    body: Box<Body<OnceLock<Far>, Value>>,
}

/// Which numbers are found from a layer up, and others that are the same but for a multiple of 64: most
/// look-ups of what is not there end at the first look.
#[derive(Clone, Copy)]
struct Seen(u64);

impl Seen {
    const NOTHING: Self = Self(0);

    #[inline]
    fn with(self, number: u32) -> Self {
        Self(self.0 | 1 << (number % 64))
    }

    #[inline]
    fn may_have(self, number: u32) -> bool {
        self.0 >> (number % 64) & 1 != 0
    }
}

struct Body<F, T: ?Sized> {
    key: &'static dyn AnyKey,
    /// Written before `near`, if at all.
    far: F,
    value: T,
}

#[derive(Default)]
struct Far {
    bits: [Option<Arc<Node>>; FAR_BITS],
    /// The newest older layer whose number has the same low bits but is another.
    same_bits: Option<Arc<Node>>,
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
    let (height, seen) = below(up);
    let seen = seen.with(number);
    if height == LOW {
        let far = OnceLock::new();
        let body = Box::new(Body { key, far, value });
        let near = OnceLock::new();
        return Node::layer(number, up, Kind::Layer(Layer { seen, near, body }));
    }
    let height = height + 1;
    let far = ();
    let body = Box::new(Body { key, far, value });
    Node::layer(number, up, Kind::Low(Low { height, seen, body }))
}

/// How many low layers there are from `up` on, and what is found there. On return the nearest layer has its
/// pointers.
#[inline]
fn below(up: Option<&Arc<Node>>) -> (u8, Seen) {
    let Some(nearest) = up.and_then(values) else {
        return (0, Seen::NOTHING);
    };
    match &nearest.kind {
        Kind::Low(low) => (low.height, low.seen),
        Kind::Layer(layer) => {
            if layer.near.get().is_none() {
                layer.point(nearest);
            }
            (LOW, layer.seen)
        }
        _ => (0, Seen::NOTHING),
    }
}

/// The nearest value for the key with this number, from `node` up.
///
/// It is one function for all types, and the caller asks for the type of what it finds: where both were one,
/// that answer came through memory and waited for the walk, and a look-up took three times as long.
#[inline(never)]
pub(crate) fn find(node: &Arc<Node>, number: u32) -> Option<&Value> {
    let mut here = values(node)?;
    let seen = match &here.kind {
        Kind::Low(low) => low.seen,
        Kind::Layer(layer) => layer.seen,
        _ => return None,
    };
    if !seen.may_have(number) {
        return None;
    }
    loop {
        let apart = here.number() ^ number;
        // The branches are foreseen, and so no step waits for the number that it compares.
        here = if let Kind::Layer(layer) = &here.kind {
            if apart == 0 {
                return Some(&layer.body.value);
            }
            match layer.near.get() {
                Some(near) => layer.next(near, number, apart)?,
                None => here.older()?,
            }
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

/// The way of a layer's number through the trie of the older ones.
struct Path<'n> {
    number: u32,
    /// Where it has come to: the newest layer that agrees in all the digits before.
    next: Option<&'n Arc<Node>>,
    near: Near,
    far: Option<Far>,
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
            far: layer.body.far.get(),
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
            let ours = self.far.get_or_insert_with(Far::default);
            let bit = far_bit(step.apart);
            let end = bit.min(FAR_BITS);
            if let Some(theirs) = step.far {
                ours.bits[settled..end].clone_from_slice(&theirs.bits[settled..end]);
            }
            if bit < FAR_BITS {
                ours.bits[bit] = Some(Arc::clone(step.node));
                self.next = step.far.and_then(|theirs| theirs.bits[bit].as_ref());
                settled = bit + 1;
                continue;
            }
            ours.same_bits = if step.apart == 0 {
                step.far.and_then(|theirs| theirs.same_bits.clone())
            } else {
                Some(Arc::clone(step.node))
            };
            return;
        }
    }

    /// The low layers, if it has come to one: each is pointed at unless something newer is, or it has the
    /// layer's own number.
    fn add_low(&mut self) {
        while let Some(node) = self.next {
            let Kind::Low(_) = &node.kind else { return };
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
        let far = self.far.get_or_insert_with(Far::default);
        match far.bits.get_mut(far_bit(apart)) {
            Some(bit) => bit,
            None => &mut far.same_bits,
        }
    }
}

impl Layer {
    /// Gives this layer, which is the one of `node`, its pointers.
    #[inline(never)]
    fn point(&self, node: &Node) {
        let mut path = Path {
            number: node.number(),
            next: node.older(),
            near: [const { None }; 6],
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

    /// Where to look further for a number that is so far from this layer's.
    #[inline]
    fn next<'l>(&'l self, near: &'l Near, number: u32, apart: u32) -> Option<&'l Arc<Node>> {
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
        let far = self.body.far.get()?;
        far.bits
            .get(far_bit(apart))
            .unwrap_or(&far.same_bits)
            .as_ref()
    }

    /// Prints the key's name, and the value if the key opted in (rule V4).
    pub(crate) fn describe(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        self.body.describe(f)
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

    /// Numbers that are dense, and that differ in any digit or only beyond all of them.
    const SPREADS: [u64; 4] = [4, 20, 300, 70_000];
    const STRIDES: [u32; 4] = [1, 4, 32, 1 << 14];

    fn dice(seed: u64) -> impl FnMut(u64) -> u32 {
        let mut dice = seed;
        move |sides| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u32::try_from((dice >> 33) % sides).unwrap()
        }
    }

    /// Against a map. Layers are put on top of any that are there, as often as not on the newest, and some of
    /// what was found before is asked again.
    #[test]
    fn v3_the_nearest_value_is_found_for_every_number() {
        for (spread, stride) in SPREADS
            .map(|it| STRIDES.map(|stride| (it, stride)))
            .concat()
        {
            let mut roll = dice(spread);
            let mut tops = vec![(None, HashMap::new())];
            for value in 0..300 {
                let newest = tops.len() as u64 - 1;
                let below = if roll(2) == 0 {
                    newest
                } else {
                    roll(newest + 1).into()
                };
                let (up, mut known) = tops[usize::try_from(below).unwrap()].clone();
                let number = roll(spread.min(3 * value as u64 + 1)) * stride;
                let top = numbered(up.as_ref(), number, value);
                known.insert(number, value);
                tops.push((Some(top), known));
                for _ in 0..4 {
                    let (top, known) = &tops[1 + roll(tops.len() as u64 - 1) as usize];
                    let top = top.as_ref().unwrap();
                    let found = |number| find(top, number)?.downcast_ref::<usize>();
                    let any = roll(spread) * stride;
                    assert_eq!(found(any), known.get(&any), "{any} of {spread} by {stride}");
                    for (number, value) in known {
                        assert_eq!(
                            found(*number),
                            Some(value),
                            "{number} of {spread} by {stride}"
                        );
                    }
                }
            }
        }
    }

    /// What is above a node, itself included, and how often that is counted.
    fn counts(node: &Arc<Node>) -> usize {
        let all = std::iter::successors(Some(node), |node| node.up.as_ref());
        all.map(Arc::strong_count).sum()
    }

    #[test]
    fn a_layer_counts_the_one_below_and_sometimes_its_line_and_no_more() {
        let root = crate::Context::background().with_cancel();
        let mut top = Arc::clone(root.node().unwrap());
        for height in 1..100 {
            // The first one is what gives the layer below its pointers.
            drop(numbered(Some(&top), height * 7 % 20, 0));
            let before = counts(&top);
            let layer = numbered(Some(&top), height * 7 % 20, 0);
            let holds_line = usize::from(layer.near.is_some());
            assert_eq!(counts(&top) - before, 1 + holds_line, "{height}");
            assert!(holds_line == 0 || height > 2 && height % 2 == 1, "{height}");
            assert!(Arc::ptr_eq(
                crate::node::line(&layer).unwrap(),
                root.node().unwrap()
            ));
            top = layer;
        }
    }

    #[test]
    fn layers_with_no_line_above_them_find_none() {
        let mut top = None;
        for height in 0..10 {
            let layer = numbered(top.as_ref(), height, 0);
            assert!(crate::node::line(&layer).is_none());
            top = Some(layer);
        }
    }
}
