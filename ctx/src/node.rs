//! What a context points at: one immutable link per derivation, with the mutable part of a scope inside.
//!
//! ```text
//!   Context ──► Node { up, near, kind }     `up` is the context it was derived from; None is background
//!                  ├─ Scope    with_cancel, with_timeout, with_deadline, merge: can end
//!                  ├─ Layer    with_value: adds one value, and finds all of them
//!                  ├─ Shield   without_cancel: cuts the tree, keeps the line of descent
//!                  ├─ Annex    between a scope and its `up`: what only few scopes need
//!                  └─ Fork     beside a layer: what it points at where there are many keys
//! ```
//!
//! 1. A node keeps all its ancestors alive through `up` (and `other`, for a merge). Every other link
//!    that it holds points at one of those ancestors, so dropping the others first frees nothing.
//! 2. Nothing points down strongly, but for a scope with pending callbacks, which points at itself until
//!    they have run or were stopped (rule O1).
//! 3. A chain is dropped by a loop, however long it is (rule T8): see `release.rs`.
//! 4. A live scope that nobody watches is this node and nothing else: one allocation, two cache lines.
//!
//! The *line* of a node is its nearest scope or shield, itself included: what checkpoints compare. A
//! scope's *parents* are the scopes that end it: the line of its `up`, unless that is a shield, and for a
//! merge the line of its other side too.

#[cfg(any(feature = "signal", feature = "tokio-util"))]
use crate::bridge::Bridge;
use crate::{
    end::End,
    error::Cause,
    layer::{Fork, Layer},
    links::{Links, NOWHERE},
    lock::Lock,
    state::{State, Word},
    sync::{AtomicU32, Once, Ordering},
};
use std::{num::NonZeroUsize, panic::Location, ptr::NonNull, sync::Arc};
use tokio::time::Instant;

/// What everybody asks comes first, in memory too: a walk over many scopes takes its time waiting for
/// memory.
#[repr(C)]
pub(crate) struct Node {
    /// Read by everybody without a lock; written under the scope's lock.
    pub(crate) state: State,
    /// How a scope was made. Never changes.
    pub(crate) how: How,
    /// Whose deadline it is. Never changes.
    pub(crate) source: Source,
    /// Where a layer stands among those of its chain, from one on; see `layer` for where the count ends. Never
    /// changes.
    pub(crate) height: u8,
    /// Where the upper parent lists a scope, or the other side the annex of a merge. Guarded by the
    /// lock of that parent. A layer, which nobody lists, has the number of its key here, and so has its fork.
    pub(crate) place: Place,
    /// What it was derived from. Never changes.
    pub(crate) up: Option<Arc<Node>>,
    /// For a line, the nearest layer above; for any other node, its line, if it holds that. Never changes.
    pub(crate) near: Option<Arc<Node>>,
    pub(crate) kind: Kind,
}

#[cfg(all(target_pointer_width = "64", not(ctx_loom)))]
const _: () = assert!(size_of::<Node>() + 2 * size_of::<usize>() <= 128);

pub(crate) enum Kind {
    Scope(ScopeNode),
    Layer(Layer),
    Shield,
    Annex(Annex),
    Fork(Fork),
}

/// A context that can end.
pub(crate) struct ScopeNode {
    /// Who is to hear of the end, and the lock of this scope.
    pub(crate) links: Lock<Links>,
    /// How it ended: written before the state says so, or, for an inherited end, found by a reader.
    pub(crate) end: Once<End>,
    /// The earliest deadline of the line. Never changes.
    pub(crate) deadline: Option<Instant>,
    /// The timeout that was asked for, in nanoseconds; the last number stands for all that are longer.
    pub(crate) after: u64,
    /// The line of code that made it. Never changes.
    pub(crate) at: &'static Location<'static>,
}

/// What few scopes need, kept out of the others. Never changes.
pub(crate) struct Annex {
    /// The other side of a merge: a line.
    pub(crate) other: Option<Arc<Node>>,
    /// What the deadline will give as its cause.
    pub(crate) cause: Option<Cause>,
    /// What ties it to something outside the tree.
    #[cfg(any(feature = "signal", feature = "tokio-util"))]
    pub(crate) bridge: Option<Bridge>,
}

/// Where a child stands in a parent's list.
pub(crate) struct Place(AtomicU32);

impl Place {
    #[inline]
    pub(crate) fn nowhere() -> Self {
        Self(AtomicU32::new(NOWHERE))
    }

    // Relaxed, both ways: the partner is the parent's lock, which is held by whoever calls these, but for
    // a node's own drop, which comes after every other handle was given up.
    #[inline]
    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set(&self, place: u32) {
        self.0.store(place, Ordering::Relaxed);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Cancel,
    Timeout,
    Deadline,
    Merge,
    #[cfg(feature = "tokio-util")]
    Token,
    #[cfg(feature = "signal")]
    Signal,
    /// It is no scope.
    Not,
}

/// Whose maker set a scope's deadline.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Own,
    /// The parent's on this side has it too, and knows whence.
    From(Side),
}

/// Which of a scope's parents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Up,
    Other,
}

pub(crate) const SIDES: [Side; 2] = [Side::Up, Side::Other];

/// A node that is known to be a scope.
#[derive(Clone, Copy)]
pub(crate) struct ScopeRef<'a> {
    pub(crate) node: &'a Arc<Node>,
    pub(crate) own: &'a ScopeNode,
}

impl Node {
    /// A node that is no scope.
    pub(crate) fn not_a_scope(
        state: State,
        up: Option<Arc<Node>>,
        near: Option<Arc<Node>>,
        kind: Kind,
    ) -> Arc<Self> {
        Arc::new(Self {
            state,
            how: How::Not,
            source: Source::Own,
            height: 0,
            place: Place::nowhere(),
            up,
            near,
            kind,
        })
    }

    /// A value on top of `up`, at this height; `number` is that of its key.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "each caller knows most of what is asked"
    )]
    pub(crate) fn layer(
        number: u32,
        height: u8,
        up: Option<&Arc<Node>>,
        layer: Layer,
    ) -> Arc<Self> {
        let (state, near) = match up {
            Some(up) if up.holds_line() => (State::aside_below_holder(), None),
            Some(up) => (State::aside(), line_to_hold(up).cloned()),
            None => (State::aside(), None),
        };
        let up = up.cloned();
        Arc::new(Self {
            state,
            how: How::Not,
            source: Source::Own,
            height,
            place: Place(AtomicU32::new(number)),
            up,
            near,
            kind: Kind::Layer(layer),
        })
    }

    /// What a layer whose key has this number points at besides what it has room for.
    pub(crate) fn fork(number: u32, fork: Fork) -> Arc<Self> {
        let node = Self::not_a_scope(State::aside(), None, None, Kind::Fork(fork));
        // Nobody else has it yet.
        node.place.set(number);
        node
    }

    /// The line of a node that is none itself: the one that it holds, or that which the node above is or holds.
    #[inline]
    pub(crate) fn line_aside(&self) -> Option<&Arc<Node>> {
        if let Some(line) = &self.near {
            return Some(line);
        }
        let up = self.up.as_ref()?;
        if !up.state.load().is_aside() {
            return Some(up);
        }
        if let Some(line) = &up.near {
            return Some(line);
        }
        let above = up.up.as_ref()?;
        (!above.state.load().is_aside()).then_some(above)
    }

    /// That line, if it is one of those that are soonest found. The word is this node's.
    #[inline]
    pub(crate) fn line_at_a_glance(&self, word: Word) -> Option<&Node> {
        if word.has_line_above() {
            return self.up.as_ref()?.near.as_deref();
        }
        if let Some(line) = &self.near {
            return Some(line);
        }
        let up = self.up.as_deref()?;
        (!up.state.load().is_aside()).then_some(up)
    }

    /// Whether this node is no line, and holds its line.
    #[inline]
    fn holds_line(&self) -> bool {
        self.state.load().is_aside() && self.near.is_some()
    }

    /// The number of the key of a layer, or of a fork's layer.
    #[inline]
    pub(crate) fn number(&self) -> u32 {
        self.place.get()
    }

    /// The next older layer.
    #[inline]
    pub(crate) fn older(&self) -> Option<&Arc<Node>> {
        values(self.up.as_ref()?)
    }

    /// What few scopes have.
    pub(crate) fn annex(&self) -> Option<&Annex> {
        match &self.up.as_ref()?.kind {
            Kind::Annex(annex) => Some(annex),
            Kind::Scope(_) | Kind::Layer(_) | Kind::Shield | Kind::Fork(_) => None,
        }
    }

    /// What ties a scope to something outside the tree, if it was made for that.
    #[cfg(any(feature = "signal", feature = "tokio-util"))]
    pub(crate) fn bridge(&self) -> Option<&Bridge> {
        match self.how {
            #[cfg(feature = "tokio-util")]
            How::Token => self.annex()?.bridge.as_ref(),
            #[cfg(feature = "signal")]
            How::Signal => self.annex()?.bridge.as_ref(),
            _ => None,
        }
    }

    /// The other side of a merge: a line.
    #[inline]
    pub(crate) fn other(&self) -> Option<&Arc<Node>> {
        if self.how == How::Merge {
            self.annex()?.other.as_ref()
        } else {
            None
        }
    }

    /// A scope's parent on one side.
    #[inline]
    pub(crate) fn parent(&self, side: Side) -> Option<ScopeRef<'_>> {
        match side {
            Side::Up => ScopeRef::above(self.up.as_ref()),
            Side::Other => ScopeRef::of(self.other()?),
        }
    }

    /// Where the parent on one side lists a scope.
    #[inline]
    pub(crate) fn place(&self, side: Side) -> Option<&Place> {
        match side {
            Side::Up => Some(&self.place),
            Side::Other => Some(&self.up.as_ref()?.place),
        }
    }
}

impl<'a> ScopeRef<'a> {
    #[inline]
    pub(crate) fn of(node: &'a Arc<Node>) -> Option<Self> {
        match &node.kind {
            Kind::Scope(own) => Some(Self { node, own }),
            Kind::Layer(_) | Kind::Shield | Kind::Annex(_) | Kind::Fork(_) => None,
        }
    }

    /// The scope above a context.
    #[inline]
    pub(crate) fn above(node: Option<&'a Arc<Node>>) -> Option<Self> {
        Self::of(line(node?)?)
    }

    #[inline]
    pub(crate) fn parent(self, side: Side) -> Option<ScopeRef<'a>> {
        self.node.parent(side)
    }

    pub(crate) fn parents(self) -> impl Iterator<Item = (Side, ScopeRef<'a>)> {
        SIDES
            .into_iter()
            .filter_map(move |side| Some((side, self.parent(side)?)))
    }

    /// The scope above that has this scope's deadline too, and gave it.
    pub(crate) fn deadline_source(self) -> Option<ScopeRef<'a>> {
        match self.node.source {
            Source::Own => None,
            Source::From(side) => self.parent(side),
        }
    }
}

/// The nearest scope or shield, from `node` up.
#[inline]
pub(crate) fn line(node: &Arc<Node>) -> Option<&Arc<Node>> {
    if node.state.load().is_aside() {
        node.line_aside()
    } else {
        Some(node)
    }
}

/// The line that a layer on top of `up`, which holds none, is to hold, unless it is near enough without that: where
/// `up` is it, or is a layer right below it. So every second layer holds it, and `line_aside` finds it for all.
#[inline]
fn line_to_hold(up: &Arc<Node>) -> Option<&Arc<Node>> {
    if !up.state.load().is_aside() {
        return None;
    }
    let above = up.up.as_ref()?;
    if above.state.load().is_aside() {
        line(above)
    } else {
        None
    }
}

/// The nearest layer, from the node of a context up.
#[inline]
pub(crate) fn values(node: &Arc<Node>) -> Option<&Arc<Node>> {
    if node.state.load().is_aside() {
        Some(node)
    } else {
        node.near.as_ref()
    }
}

/// What tells one line from another while both are alive: a multiple of four.
pub(crate) type Address = NonZeroUsize;

/// What is no line's, and nobody's name.
pub(crate) const NO_LINE: Address = Address::new(2).unwrap();

#[inline]
pub(crate) fn address(node: &Arc<Node>) -> Address {
    NonNull::from(&**node).addr()
}
