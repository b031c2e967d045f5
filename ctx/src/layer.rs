//! One value added to a context, and how it is found again without walking the chain (rule V3).
//!
//! 1. The first four layers of a chain are *low*: they hold a value and nothing else, and are found by a
//!    walk. Most requests carry no more than that.
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
//! and one for each digit that the node has no room for. That is done once for each layer, however many are put on
//! top of it, and never for one that stays on top; so n layers cost n paths at most, in whatever shape they branch.
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
    value::{AnyKey, Key},
};
use std::{any::Any, fmt, sync::Arc};
use trie::{Far, Near};

/// So many layers are low.
const LOW: u8 = 4;
type Value = dyn Any + Send + Sync;

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
                Some(near) => trie::next(near, &layer.body.far, number, apart)?,
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

impl Layer {
    /// Prints the key's name, and the value if the key opted in (rule V4).
    pub(crate) fn describe(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        self.body.describe(f)
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
