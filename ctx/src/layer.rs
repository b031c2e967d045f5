//! One value added to a context, and how it is found again without walking the chain (rule V3).
//!
//! The layers of a chain form a binary trie over the numbers of their keys, and the newest layer is its
//! root. `siblings[bit]` is the newest older layer whose key's number agrees with this layer's in all bits
//! below `bit` and differs in that one. A look-up goes from the root to the sibling at the first bit that
//! differs, so each step settles at least one more bit: it takes at most as many steps as the numbers of
//! the keys in use have bits, three for eight keys, whatever the depth of the tree. Adding a layer copies
//! one path, and the path fits into the node itself, so a value costs two allocations: node and value.
//!
//! Keys are numbered from zero in the order of their first use, which keeps the trie shallow. Beyond 2^16
//! keys in one program those that share the low sixteen bits form a list.

use crate::{
    node::{Kind, Node, line, values},
    value::AnyKey,
};
use std::{any::Any, sync::Arc};

const BITS: usize = 16;

pub(crate) struct Layer {
    pub(crate) key: &'static dyn AnyKey,
    pub(crate) value: Box<dyn Any + Send + Sync>,
    number: u32,
    line: Line,
    siblings: [Option<Arc<Node>>; BITS],
    /// The newest older layer whose number has the same low bits but is another.
    same_bits: Option<Arc<Node>>,
}

/// Where a layer's line is.
enum Line {
    Nowhere,
    Up,
    Far(Arc<Node>),
}

/// Puts a value on top of `up`.
pub(crate) fn add(
    up: Option<&Arc<Node>>,
    key: &'static dyn AnyKey,
    value: Box<dyn Any + Send + Sync>,
) -> Arc<Node> {
    let number = key.number();
    let mut layer = Layer {
        key,
        value,
        number,
        line: Line::below(up),
        siblings: [const { None }; BITS],
        same_bits: None,
    };
    layer.copy_path(up.and_then(values));
    Arc::new(Node {
        up: up.cloned(),
        kind: Kind::Layer(layer),
    })
}

/// The nearest value for the key with this number, from `node` up.
pub(crate) fn find(node: &Arc<Node>, number: u32) -> Option<&Layer> {
    let mut next = values(node);
    while let Some(layer) = next.and_then(|node| layer_of(node)) {
        if layer.number == number {
            return Some(layer);
        }
        next = match layer.siblings.get(first_difference(layer.number, number)) {
            Some(sibling) => sibling.as_ref(),
            None => layer.same_bits.as_ref(),
        };
    }
    None
}

fn layer_of(node: &Arc<Node>) -> Option<&Layer> {
    match &node.kind {
        Kind::Layer(layer) => Some(layer),
        Kind::Scope(_) | Kind::Shield { .. } => None,
    }
}

fn first_difference(a: u32, b: u32) -> usize {
    (a ^ b).trailing_zeros() as usize
}

impl Layer {
    pub(crate) fn line<'n>(&'n self, node: &'n Node) -> Option<&'n Arc<Node>> {
        match &self.line {
            Line::Nowhere => None,
            Line::Up => node.up.as_ref(),
            Line::Far(line) => Some(line),
        }
    }

    /// Fills in the siblings from the trie whose root is `root`, as if this layer were added to it.
    fn copy_path(&mut self, root: Option<&Arc<Node>>) {
        let mut from = 0;
        let mut next = root;
        while let Some((node, layer)) = next.and_then(|node| Some((node, layer_of(node)?))) {
            let split = first_difference(layer.number, self.number);
            let end = split.min(BITS);
            self.siblings[from..end].clone_from_slice(&layer.siblings[from..end]);
            if split < BITS {
                self.siblings[split] = Some(Arc::clone(node));
                next = layer.siblings[split].as_ref();
                from = split + 1;
                continue;
            }
            self.same_bits = if layer.number == self.number {
                layer.same_bits.clone()
            } else {
                Some(Arc::clone(node))
            };
            return;
        }
    }

    /// Drops the links to ancestors, which `up` still holds.
    pub(crate) fn forget_ancestors(&mut self) {
        self.siblings = [const { None }; BITS];
        self.same_bits = None;
        self.line = Line::Nowhere;
    }
}

impl Line {
    fn below(up: Option<&Arc<Node>>) -> Self {
        match up.and_then(|up| Some((up, line(up)?))) {
            None => Line::Nowhere,
            Some((up, line)) if Arc::ptr_eq(up, line) => Line::Up,
            Some((_, line)) => Line::Far(Arc::clone(line)),
        }
    }
}
