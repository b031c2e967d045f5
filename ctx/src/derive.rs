//! The birth of a scope: one allocation, nothing registered, and everything that never changes decided.
//!
//! 1. The parents are linked first (tree invariant 1), so the child may ask them alone from then on.
//! 2. A child of a parent that has ended is born ended, by the parent's record (rule T6).
//! 3. The earliest deadline of the line is the child's, with the scope whose maker set it (rule D1), so no
//!    read and no error walks up.

use crate::{
    few::Few,
    node::{Deadline, How, Kind, Made, Node, Owner, Place, ScopeNode, ScopeRef},
    state::{Record, State},
    sync::Lock,
    tree::Links,
    wait_list::WaitList,
};
use std::{panic::Location, sync::Arc};
use tokio::time::Instant;

/// Makes a scope below `up`, and below `other` for a merge.
pub(crate) fn derive(
    up: Option<&Arc<Node>>,
    other: Option<&Arc<Node>>,
    made: Made,
    own_deadline: Option<Instant>,
) -> Arc<Node> {
    let parent = ScopeRef::above(up);
    let rival = ScopeRef::above(other);
    let born = match (parent, rival) {
        (None, None) => None,
        (Some(only), None) | (None, Some(only)) => {
            only.link();
            only.ended_before_birth_of(own_deadline)
        }
        (Some(parent), Some(rival)) => {
            parent.link();
            rival.link();
            parent.observe().or_else(|| rival.observe())
        }
    };
    let node = Arc::new(Node {
        kind: Kind::Scope(ScopeNode {
            state: State::live(parent.is_some() || rival.is_some()),
            deadline: earliest(parent, rival, own_deadline),
            other: other.and_then(crate::node::line).cloned(),
            values: up.and_then(crate::node::values).cloned(),
            made,
            places: [Place::nowhere(), Place::nowhere()],
            #[cfg(any(feature = "signal", feature = "tokio-util"))]
            bridges: crate::bridge::Bridges::new(),
            links: Lock::new(Links {
                children: Few::new(),
                waiters: WaitList::new(),
                callbacks: None,
            }),
        }),
        up: up.cloned(),
    });
    if let (true, Some(scope)) = (rival.is_some() || born.is_some(), ScopeRef::of(&node)) {
        match born {
            Some(record) => scope.own.state.publish(record),
            None => scope.link(),
        }
    }
    node
}

/// The earliest of the deadlines; on a tie the parent's, then the other side's.
fn earliest(
    parent: Option<ScopeRef<'_>>,
    rival: Option<ScopeRef<'_>>,
    own: Option<Instant>,
) -> Option<Deadline> {
    let inherits = |scope: Option<ScopeRef<'_>>| scope.is_some_and(|it| it.own.deadline.is_some());
    if !inherits(parent) && !inherits(rival) {
        let owner = Owner::Own;
        return Some(Deadline { at: own?, owner });
    }
    let mut at = own;
    let mut from = None;
    for (scope, owner) in [(rival, Owner::Own), (parent, Owner::Parent)] {
        let inherited = scope.and_then(|scope| Some((scope, scope.own.deadline.as_ref()?.at)));
        if let Some((scope, inherited)) = inherited {
            if at.is_none_or(|at| inherited <= at) {
                at = Some(inherited);
                from = Some((scope, owner));
            }
        }
    }
    let owner = match from {
        None => Owner::Own,
        Some((scope, near)) => match scope.deadline_owner() {
            Some(owner) if Arc::ptr_eq(owner.node, scope.node) && matches!(near, Owner::Parent) => {
                near
            }
            Some(owner) => Owner::Far(Arc::clone(owner.node)),
            None => Owner::Own,
        },
    };
    Some(Deadline { at: at?, owner })
}

impl ScopeRef<'_> {
    /// The record that a new scope below this one starts with, if this one has ended (rule T6).
    ///
    /// That a deadline has passed here unseen matters only where the child's own is earlier still;
    /// elsewhere the child inherits it anyway, and the clock need not be read.
    #[inline]
    fn ended_before_birth_of(self, own_deadline: Option<Instant>) -> Option<Record> {
        if let (Some(inherited), Some(own)) = (&self.own.deadline, own_deadline) {
            if own < inherited.at {
                return self.observe();
            }
        }
        if self.own.state.load().ended() {
            self.own.state.record()
        } else {
            None
        }
    }
}

impl Made {
    pub(crate) fn new(how: How, at: &'static Location<'static>) -> Self {
        Self {
            how,
            at,
            cause: None,
        }
    }
}
