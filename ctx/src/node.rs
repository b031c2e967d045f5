//! What a context points at: one immutable link per derivation, with the mutable part of a scope inside.
//!
//! ```text
//!   Context ──► Node { up, kind }          `up` is the context it was derived from; None is background
//!                        ├─ Scope    with_cancel, with_timeout, with_deadline, merge: can end
//!                        ├─ Layer    with_value: adds one value
//!                        └─ Shield   without_cancel: cuts the tree, keeps the line of descent
//! ```
//!
//! 1. A node keeps all its ancestors alive through `up` (and `other`, for a merge). Every other link
//!    that it holds points at one of those ancestors, so dropping the others first frees nothing.
//! 2. Nothing points down strongly, but for a scope with pending callbacks, which points at itself until
//!    they have run or were stopped (rule O1).
//! 3. A chain is dropped by a loop, however long it is (rule T8).
//!
//! The *line* of a node is its nearest scope or shield, itself included: what checkpoints compare. A
//! scope's *parents* are the scopes that end it: the line of its `up`, unless that is a shield, and for a
//! merge the line of its other side too.

use crate::{
    error::{Cancelled, Cause, Trigger},
    few::Few,
    layer::Layer,
    state::{Record, State},
    sync::{AtomicUsize, Lock, Ordering},
    tree::Links,
};
use std::{collections::HashSet, panic::Location, sync::Arc, time::Duration};
use tokio::time::Instant;

pub(crate) struct Node {
    pub(crate) up: Option<Arc<Node>>,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Scope(ScopeNode),
    Layer(Layer),
    Shield { values: Option<Arc<Node>> },
}

/// A context that can end. What a check and a walk touch comes first, in memory too: a walk over many
/// scopes takes its time waiting for memory.
#[repr(C)]
pub(crate) struct ScopeNode {
    /// Read by everybody without a lock; written under `links`.
    pub(crate) state: State,
    /// Who is to hear of the end, and the lock of this scope.
    pub(crate) links: Lock<Links>,
    /// The earliest deadline of the line. Never changes.
    pub(crate) deadline: Option<Deadline>,
    /// Where the parent on each side lists this scope. Guarded by that parent's `links`.
    pub(crate) places: [Place; 2],
    /// The other side of a merge: a line. Never changes.
    pub(crate) other: Option<Arc<Node>>,
    /// The nearest layer above. Never changes.
    pub(crate) values: Option<Arc<Node>>,
    /// Who made it. Never changes.
    pub(crate) made: Made,
    /// What ties it to something outside the tree.
    #[cfg(any(feature = "signal", feature = "tokio-util"))]
    pub(crate) bridges: crate::bridge::Bridges,
}

/// The index in a parent's list of children, or that there is none.
pub(crate) struct Place(AtomicUsize);

impl Place {
    pub(crate) const NOWHERE: usize = usize::MAX;

    pub(crate) fn nowhere() -> Self {
        Self(AtomicUsize::new(Self::NOWHERE))
    }

    // Relaxed, both ways: the partner is the parent's lock, which is held by whoever calls these, but for
    // a node's own drop, which comes after every other handle was given up.
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, place: usize) {
        self.0.store(place, Ordering::Relaxed);
    }
}

/// The line of code that made a scope, and what it asked for.
pub(crate) struct Made {
    pub(crate) how: How,
    pub(crate) at: &'static Location<'static>,
    /// What the deadline will give as its cause.
    pub(crate) cause: Option<Cause>,
}

#[derive(Clone, Copy)]
pub(crate) enum How {
    Cancel,
    Timeout(Duration),
    Deadline,
    Merge,
    /// The method that tied it to something outside the tree.
    #[cfg(any(feature = "signal", feature = "tokio-util"))]
    Bridge(&'static str),
}

/// When a scope ends by itself, and who set that.
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    pub(crate) owner: Owner,
}

/// The scope whose maker set a deadline. The two near ones need no counted reference.
pub(crate) enum Owner {
    Own,
    Parent,
    Far(Arc<Node>),
}

/// Which of a scope's parents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Up = 0,
    Other = 1,
}

pub(crate) const SIDES: [Side; 2] = [Side::Up, Side::Other];

/// A node that is known to be a scope.
#[derive(Clone, Copy)]
pub(crate) struct ScopeRef<'a> {
    pub(crate) node: &'a Arc<Node>,
    pub(crate) own: &'a ScopeNode,
}

impl<'a> ScopeRef<'a> {
    #[inline]
    pub(crate) fn of(node: &'a Arc<Node>) -> Option<Self> {
        match &node.kind {
            Kind::Scope(own) => Some(Self { node, own }),
            Kind::Layer(_) | Kind::Shield { .. } => None,
        }
    }

    /// The scope above a context.
    #[inline]
    pub(crate) fn above(node: Option<&'a Arc<Node>>) -> Option<Self> {
        Self::of(line(node?)?)
    }

    #[inline]
    pub(crate) fn parent(self, side: Side) -> Option<ScopeRef<'a>> {
        match side {
            Side::Up => Self::above(self.node.up.as_ref()),
            Side::Other => Self::of(self.own.other.as_ref()?),
        }
    }

    pub(crate) fn parents(self) -> impl Iterator<Item = (Side, ScopeRef<'a>)> {
        SIDES
            .into_iter()
            .filter_map(move |side| Some((side, self.parent(side)?)))
    }

    /// The scope whose maker set this scope's deadline.
    pub(crate) fn deadline_owner(self) -> Option<ScopeRef<'a>> {
        match &self.own.deadline.as_ref()?.owner {
            Owner::Own => Some(self),
            Owner::Parent => self.parent(Side::Up),
            Owner::Far(node) => Self::of(node),
        }
    }

    /// What this scope's deadline says when it has passed.
    pub(crate) fn deadline_record(self) -> Option<Record> {
        let when = self.own.deadline.as_ref()?.at;
        let made = &self.deadline_owner()?.own.made;
        let after = match made.how {
            How::Timeout(after) => Some(after),
            _ => None,
        };
        let cancelled = Cancelled {
            trigger: Trigger::Deadline,
            at: made.at,
            after,
            cause: made.cause.clone(),
            noticed: None,
        };
        Some(Record { cancelled, when })
    }
}

/// The nearest scope or shield, from `node` up.
#[inline]
pub(crate) fn line(node: &Arc<Node>) -> Option<&Arc<Node>> {
    match &node.kind {
        Kind::Scope(_) | Kind::Shield { .. } => Some(node),
        Kind::Layer(layer) => layer.line(node),
    }
}

/// The nearest layer, from `node` up.
pub(crate) fn values(node: &Arc<Node>) -> Option<&Arc<Node>> {
    match &node.kind {
        Kind::Scope(scope) => scope.values.as_ref(),
        Kind::Layer(_) => Some(node),
        Kind::Shield { values } => values.as_ref(),
    }
}

/// What tells one line from another while both are alive.
pub(crate) fn address(node: &Arc<Node>) -> usize {
    Arc::as_ptr(node).addr()
}

/// How one line descends from another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Descent {
    /// The end of the upper one ends the lower one.
    Open,
    /// A `without_cancel` lies between them.
    Shielded,
}

/// Whether `line` is the line at `target`, or descends from it.
pub(crate) fn descent(line: &Arc<Node>, target: usize) -> Option<Descent> {
    let mut found = Descent::Open;
    let mut here = line;
    loop {
        if address(here) == target {
            return Some(found);
        }
        match &here.kind {
            Kind::Scope(scope) if scope.other.is_some() => {
                return descent_through_merge(here, found, target);
            }
            Kind::Shield { .. } => found = Descent::Shielded,
            Kind::Scope(_) | Kind::Layer(_) => {}
        }
        here = self::line(here.up.as_ref()?)?;
    }
}

/// The same where lines meet: every path counts, and an open one counts more than a shielded one.
///
/// No line is entered twice in the same state, so that a ladder of merges takes linear time.
fn descent_through_merge(start: &Arc<Node>, found: Descent, target: usize) -> Option<Descent> {
    let mut seen = HashSet::new();
    let mut best = None;
    let mut ahead = vec![(start, found)];
    while let Some((here, mut found)) = ahead.pop() {
        if !seen.insert((address(here), found == Descent::Open)) {
            continue;
        }
        if address(here) == target {
            if found == Descent::Open {
                return Some(found);
            }
            best = Some(found);
            continue;
        }
        let mut other = None;
        match &here.kind {
            Kind::Scope(scope) => other = scope.other.as_ref(),
            Kind::Shield { .. } => found = Descent::Shielded,
            Kind::Layer(_) => {}
        }
        let up = here.up.as_ref().and_then(self::line);
        ahead.extend(up.into_iter().chain(other).map(|next| (next, found)));
    }
    best
}

impl Drop for Node {
    fn drop(&mut self) {
        let address: *const Node = self;
        if let Kind::Scope(own) = &self.kind {
            own.leave_parents(self, address);
        }
        // Few, since a merge has two links: its end is to allocate nothing (rule S1).
        let mut ahead = Few::new();
        let mut next = self.take_ups(&mut ahead);
        // Nearly always somebody else holds the node above, and this is all.
        while let Some(node) = next {
            next = match take_apart(node, &mut ahead) {
                None => ahead.pop(),
                above => above,
            };
        }
    }
}

/// Gives one handle of `node` up. If it was the last one, what is above it is left to the caller to drop.
fn take_apart(node: Arc<Node>, ahead: &mut Few<Arc<Node>>) -> Option<Arc<Node>> {
    // A parent's list knows a scope by its address, which this keeps from being reused while the node is
    // moved out of it.
    let place = match &node.kind {
        Kind::Scope(own) if own.state.load().linking() => Some(Arc::downgrade(&node)),
        Kind::Scope(_) | Kind::Layer(_) | Kind::Shield { .. } => None,
    };
    let mut node = Arc::into_inner(node)?;
    if let (Kind::Scope(own), Some(place)) = (&node.kind, &place) {
        own.leave_parents(&node, place.as_ptr());
    }
    node.take_ups(ahead)
}

impl Node {
    /// Takes the links that may be the last ones of what they point at: one is returned, and further
    /// ones are added to `ahead`. The others go first, while these still hold their targets.
    fn take_ups(&mut self, ahead: &mut Few<Arc<Node>>) -> Option<Arc<Node>> {
        match &mut self.kind {
            Kind::Scope(scope) => {
                scope.values = None;
                scope.deadline = None;
                if let Some(other) = scope.other.take() {
                    ahead.push(other);
                }
            }
            Kind::Layer(layer) => layer.forget_ancestors(),
            Kind::Shield { values } => *values = None,
        }
        match self.up.take() {
            None => ahead.pop(),
            up => up,
        }
    }
}
