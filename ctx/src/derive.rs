//! The birth of a scope: one allocation, nothing registered, and everything that never changes decided.
//!
//! 1. The parents are linked first (tree invariant 1), so the child may ask them alone from then on.
//! 2. A child of a parent that has ended is born ended, by the parent's end (rule T6).
//! 3. The earliest deadline of the line is the child's, and it is known from which side it came, on to the
//!    scope whose maker set it (rule D1). So no read walks up.
//! 4. A merge's other side, and a deadline's cause, stand in an annex between the scope and its `up`, so
//!    that the others need no room for them.

use crate::{
    error::Cause,
    links::Links,
    node::{Annex, How, Kind, Node, Place, ScopeNode, ScopeRef, Side, Source, line, values},
    state::State,
    sync::Once,
};
use std::{panic::Location, sync::Arc, time::Duration};
use tokio::time::Instant;

/// The line of code that makes a scope, and what it asks for.
#[derive(Clone, Copy)]
pub(crate) struct Made {
    how: How,
    at: &'static Location<'static>,
    after: u64,
}

impl Made {
    #[inline]
    pub(crate) fn new(how: How, at: &'static Location<'static>) -> Self {
        Self { how, at, after: 0 }
    }

    #[inline]
    pub(crate) fn within(after: Duration, at: &'static Location<'static>) -> Self {
        Self {
            how: How::Timeout,
            at,
            after: u64::try_from(after.as_nanos()).unwrap_or(u64::MAX),
        }
    }
}

/// What is decided of a scope before it is made.
struct Birth {
    parents: bool,
    deadline: Option<Instant>,
    source: Source,
    ended_by: Option<Side>,
}

/// Makes a scope below `up`.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "each caller knows most of what is asked"
)]
pub(crate) fn derive(up: Option<&Arc<Node>>, made: Made, deadline: Option<Instant>) -> Arc<Node> {
    let birth = Birth::below(up, made.how, deadline);
    birth.give(up.cloned(), up.and_then(values).cloned(), made)
}

/// Makes a scope whose deadline says why it was set.
pub(crate) fn derive_caused(
    up: Option<&Arc<Node>>,
    made: Made,
    deadline: Option<Instant>,
    cause: Cause,
) -> Arc<Node> {
    let birth = Birth::below(up, made.how, deadline);
    let annex = Annex {
        cause: Some(cause),
        ..Annex::empty()
    };
    birth.give(Some(annex.below(up)), up.and_then(values).cloned(), made)
}

/// Makes a scope below both, with the values of `up`.
pub(crate) fn merge(
    up: Option<&Arc<Node>>,
    other: Option<&Arc<Node>>,
    at: &'static Location<'static>,
) -> Arc<Node> {
    let made = Made::new(How::Merge, at);
    let birth = Birth::below_both(up, other);
    let live = birth.ended_by.is_none();
    let annex = Annex {
        other: other.and_then(line).cloned(),
        ..Annex::empty()
    };
    let node = birth.give(Some(annex.below(up)), up.and_then(values).cloned(), made);
    if live {
        if let Some(scope) = ScopeRef::of(&node) {
            scope.link();
        }
    }
    node
}

/// Makes a scope that something outside the tree is to end.
#[cfg(any(feature = "signal", feature = "tokio-util"))]
pub(crate) fn bridge(up: Option<&Arc<Node>>, made: Made) -> Arc<Node> {
    let birth = Birth::below(up, made.how, None);
    let annex = Annex {
        bridge: Some(crate::bridge::Bridge::new()),
        ..Annex::empty()
    };
    birth.give(Some(annex.below(up)), up.and_then(values).cloned(), made)
}

impl Annex {
    fn empty() -> Self {
        Self {
            other: None,
            cause: None,
            #[cfg(any(feature = "signal", feature = "tokio-util"))]
            bridge: None,
        }
    }

    fn below(self, up: Option<&Arc<Node>>) -> Arc<Node> {
        let near = up.and_then(line).cloned();
        Node::not_a_scope(State::aside(), up.cloned(), near, Kind::Annex(self))
    }
}

impl Birth {
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "each caller knows most of what is asked"
    )]
    fn below(up: Option<&Arc<Node>>, how: How, deadline: Option<Instant>) -> Self {
        let mut birth = Self {
            parents: false,
            deadline,
            source: Source::Own,
            ended_by: None,
        };
        if let Some(parent) = ScopeRef::above(up) {
            birth.parents = true;
            if parent.node.state.load().is_quiet() {
                // It is linked, it is live, and it has no deadline.
                return birth;
            }
            parent.link();
            if parent.ended_before_birth(how, deadline) {
                birth.ended_by = Some(Side::Up);
            }
            birth.inherit(Side::Up, parent);
        }
        birth
    }

    fn below_both(up: Option<&Arc<Node>>, other: Option<&Arc<Node>>) -> Self {
        let (up, other) = (ScopeRef::above(up), ScopeRef::above(other));
        let mut birth = Self {
            parents: up.is_some() || other.is_some(),
            deadline: None,
            source: Source::Own,
            ended_by: None,
        };
        // The first side last: on a tie the deadline and the end are its.
        for (side, parent) in [(Side::Other, other), (Side::Up, up)] {
            let Some(parent) = parent else { continue };
            parent.link();
            birth.inherit(side, parent);
        }
        if up.is_some_and(ScopeRef::is_ended) {
            birth.ended_by = Some(Side::Up);
        } else if other.is_some_and(ScopeRef::is_ended) {
            birth.ended_by = Some(Side::Other);
        }
        birth
    }

    /// Takes the deadline of a parent, if it is no later than what is known.
    #[inline]
    fn inherit(&mut self, side: Side, parent: ScopeRef<'_>) {
        if let Some(inherited) = parent.own.deadline {
            if self.deadline.is_none_or(|known| inherited <= known) {
                self.deadline = Some(inherited);
                self.source = Source::From(side);
            }
        }
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "each caller knows most of what is asked"
    )]
    fn give(self, up: Option<Arc<Node>>, near: Option<Arc<Node>>, made: Made) -> Arc<Node> {
        let state = State::scope(self.parents, self.deadline.is_some(), self.ended_by);
        Arc::new(Node {
            state,
            how: made.how,
            source: self.source,
            height: 0,
            place: Place::nowhere(),
            up,
            near,
            kind: Kind::Scope(ScopeNode {
                links: Links::none(),
                end: Once::new(),
                deadline: self.deadline,
                after: made.after,
                at: made.at,
            }),
        })
    }
}

impl ScopeRef<'_> {
    /// Whether this scope has ended before a child with this deadline is made below it (rule T6).
    ///
    /// That a deadline has passed here unseen matters only where the child's own is earlier still;
    /// elsewhere the child inherits it anyway, and the clock need not be read. Nor need it for a timeout,
    /// whose deadline was reckoned from the clock just now: what is after it has not passed.
    #[inline]
    fn ended_before_birth(self, how: How, deadline: Option<Instant>) -> bool {
        if how == How::Deadline {
            if let (Some(inherited), Some(own)) = (self.own.deadline, deadline) {
                if own < inherited {
                    return self.is_ended();
                }
            }
        }
        self.node.state.load().ended()
    }
}
