//! One value added to a context, and how it is found again without walking the chain (rule V3).
//!
//! 1. The first four layers of a chain are *low*: they point at nothing, and are found by a walk. Most requests
//!    carry no more than that.
//! 2. The layers above those form a trie over the numbers of their keys: see `layer/trie.rs`. A layer points at
//!    older ones, and a look-up goes from one to the next, each time at least one digit further.
//! 3. Where a pointer of the trie leads to a low layer, a walk from there meets every older layer there is.
//! 4. A layer gets its pointers when the first layer is put above it, and not before: the newest layer of a
//!    context has none, and a look-up that misses it goes on at the next older one, which has them.
//!
//! So a look-up takes as many steps as the keys have digits, and five: a hit among 20 keys takes nine at most,
//! and three mostly, at any depth.
//!
//! **What adding a layer costs.** Two allocations, the node and the value, and a count of the context below. Every
//! second layer also counts its line, for the others find it by way of the one below (see `line_to_hold` in
//! `node.rs`). The first layer on top of another one also copies one path of the trie for that one: six pointers,
//! and where there are more than 32 keys, one for each digit that the node has no room for, in a node of their
//! own. That is done once for each layer, however many are put on top of it, and never for one that stays on top; so
//! n layers cost n paths at most, in whatever shape they branch.
//!
//! A layer has no room for its key: that is found by its number, where a context is printed.
//!
//! Of two threads that give a layer its pointers at once both have found the same ones, since all that they
//! follow never changes. One is kept, and the other gives up its counts, of which none is a last one: `up` has
//! them all (node invariant 1).

mod trie;
#[cfg(all(test, not(ctx_loom)))]
mod tests;

use crate::{
    node::{Kind, Node, values},
    sync::OnceLock,
    value::{self, Key},
};
use std::{any::Any, fmt, sync::Arc};
pub(crate) use trie::Fork;
use trie::Near;

/// So many layers are low.
const LOW: u8 = 4;
type Value = dyn Any + Send + Sync;

pub(crate) struct Layer {
    seen: Seen,
    /// Empty until there is a layer above it, and where it is low.
    near: OnceLock<Near>,
    value: Box<Value>,
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

/// Puts a value on top of `up`.
#[inline]
pub(crate) fn add<T: Send + Sync + 'static>(
    up: Option<&Arc<Node>>,
    key: &'static Key<T>,
    value: T,
) -> Arc<Node> {
    add_numbered(up, key.number(), Box::new(value))
}

#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "it makes a node of what its caller has in registers"
)]
fn add_numbered(up: Option<&Arc<Node>>, number: u32, value: Box<Value>) -> Arc<Node> {
    let (height, seen) = below(up);
    let layer = Layer {
        seen: seen.with(number),
        near: OnceLock::new(),
        value,
    };
    Node::layer(number, (height + 1).min(LOW + 1), up, layer)
}

/// How many layers there are from `up` on, where more than the low ones count as one more, and what is found
/// there. On return the nearest one has its pointers.
#[inline]
fn below(up: Option<&Arc<Node>>) -> (u8, Seen) {
    let Some(nearest) = up.and_then(values) else {
        return (0, Seen::NOTHING);
    };
    let Kind::Layer(layer) = &nearest.kind else {
        return (0, Seen::NOTHING);
    };
    if nearest.height > LOW && layer.near.get().is_none() {
        layer.point(nearest);
    }
    (nearest.height, layer.seen)
}

/// The nearest value for the key with this number, from `node` up.
///
/// It is one function for all types, and the caller asks for the type of what it finds: where both were one,
/// that answer came through memory and waited for the walk, and a look-up took three times as long.
#[inline(never)]
pub(crate) fn find(node: &Arc<Node>, number: u32) -> Option<&Value> {
    let mut here: &Node = values(node)?;
    match &here.kind {
        Kind::Layer(layer) if layer.seen.may_have(number) => {}
        _ => return None,
    }
    loop {
        let Kind::Layer(layer) = &here.kind else {
            here = trie::further(here, number)?;
            continue;
        };
        // The branches are foreseen, and so no step waits for the number that it compares.
        let apart = here.number() ^ number;
        if apart == 0 {
            return Some(&*layer.value);
        }
        here = match layer.near.get() {
            Some(near) => trie::next(near, number, apart)?,
            None => here.older()?,
        };
    }
}

impl Layer {
    /// Prints the key's name, and the value if the key opted in (rule V4).
    pub(crate) fn describe(&self, number: u32, f: &mut dyn fmt::Write) -> fmt::Result {
        match value::numbered(number) {
            Some(key) => key.describe(&*self.value, f),
            None => Ok(()),
        }
    }
}
