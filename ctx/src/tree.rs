//! How an end comes down the tree: the lists of children, and who decides what a scope ended by.
//!
//! **Lazy links.** A scope is put into its parents' lists only when somebody waits on it, hangs a
//! callback on it, or derives a scope from it (a merge enters its other side's list at once, since the
//! order of two cancellations would be lost otherwise). Until then it asks its parents when it is asked.
//!
//! **Locks.** A scope has one lock, `links`. No two locks are ever held together, so there is no lock
//! order to keep. No foreign code runs under one (rule T9): wakers, causes and nodes are carried out and
//! dropped or woken after it.
//!
//! **Invariants.**
//! 1. A live scope with a child scope, a waiter or a callback is linked: it is in the list of each of its
//!    live parents. So a parent's state is right when a child reads it, and one look up is enough.
//! 2. ENDED is set under the scope's own lock, and a scope enters a parent's list only under the parent's
//!    lock while the parent is live. So whoever walks the list of an ended scope sees every child that it
//!    will ever have.
//! 3. A scope leaves the list of an ended parent only when it has ended and its own list is empty, or when
//!    nobody holds it any more. So each canceller who walks an ended scope to the end of its list leaves
//!    no live descendant behind, also where another canceller is still at work (rule T1).
//! 4. What ended a scope is decided once, under its lock, from what is final by then: its parents'
//!    records, its deadline and, for its owner's call, the clock. The earliest of them wins; on a tie a
//!    deadline beats a call, a parent its child, and a merge's first side the second (rules D1, D6, T12).
//! 5. A read may end a scope (a deadline that has passed, a parent that has ended). It takes nobody out
//!    of the lists and wakes nobody (rule T10); the walk of a later cancel, the waiters' own timers and
//!    the drop of the scope see to those.

use crate::{
    callbacks::Callbacks,
    error::{Cancelled, Cause, Trigger},
    few::Few,
    node::{Kind, Node, Place, SIDES, ScopeNode, ScopeRef, Side},
    state::Record,
    sweep,
    wait_list::WaitList,
};
use std::{
    panic::Location,
    sync::{Arc, Weak},
};
use tokio::time::Instant;

/// What a scope's lock guards.
pub(crate) struct Links {
    pub(crate) children: Few<Child>,
    pub(crate) waiters: WaitList,
    pub(crate) callbacks: Option<Box<Callbacks>>,
}

/// A parent's entry for a child, and which of the child's sides the parent is.
pub(crate) struct Child {
    pub(crate) node: Weak<Node>,
    pub(crate) side: Side,
}

impl ScopeRef<'_> {
    /// Whether the scope has ended, to the instant (rule D3).
    #[inline]
    pub(crate) fn is_ended(self) -> bool {
        let word = self.own.state.load();
        if word.ended() {
            return true;
        }
        if word.linked() && self.own.deadline.is_none() {
            return false;
        }
        self.look_around()
    }

    /// What ended the scope, to the instant.
    pub(crate) fn observe(self) -> Option<Record> {
        if self.is_ended() {
            self.own.state.record()
        } else {
            None
        }
    }

    /// Asks what the word cannot know: the clock, and a parent that does not list this scope yet. That one
    /// is the upper one, since a merge enters both lists when it is made.
    #[inline]
    fn look_around(self) -> bool {
        let up_ended = |it: ScopeRef<'_>| it.own.state.load().ended();
        let orphaned =
            !self.own.state.load().linked() && self.parent(Side::Up).is_some_and(up_ended);
        let expired = match &self.own.deadline {
            Some(deadline) => deadline.at <= Instant::now(),
            None => false,
        };
        if orphaned || expired {
            self.settle(expired);
        }
        orphaned || expired
    }

    /// Ends the scope by what has already happened above it, or by its deadline if that has `expired`.
    /// Changes nothing if neither is so, or if it has ended.
    pub(crate) fn settle(self, expired: bool) {
        let links = self.own.links.lock();
        if self.own.state.load().ended() {
            return;
        }
        if let Some(record) = self.verdict(expired) {
            self.own.state.publish(record);
        }
        drop(links);
    }

    /// What ends this scope, of all that is final by now (invariant 4).
    fn verdict(self, expired: bool) -> Option<Record> {
        let above = self
            .parents()
            .filter_map(|(_, it)| it.own.state.record())
            .min_by_key(|record| record.when);
        match above {
            Some(above) => Some(self.verdict_below(above)),
            None if expired => self.deadline_record(),
            None => None,
        }
    }

    /// What ends this scope where `above` is the earliest end of its parents.
    fn verdict_below(self, above: Record) -> Record {
        let by_deadline = match &self.own.deadline {
            None => false,
            // On a tie too: a deadline beats a call, and of two deadlines it is this one that was chosen
            // for its owner, when the scope was made. The record above may be that of a merge's second
            // side, which somebody happened to look at before the first.
            Some(deadline) => deadline.at <= above.when,
        };
        if by_deadline {
            self.deadline_record().unwrap_or(above)
        } else {
            above
        }
    }

    /// Ends the scope for the walk that comes from a parent, whose record is `above`. The caller holds
    /// this scope's lock.
    pub(crate) fn inherit(self, above: &Record) {
        if self.own.state.load().ended() {
            return;
        }
        let record = if self.own.other.is_some() {
            self.verdict(false)
        } else {
            Some(self.verdict_below(above.clone()))
        };
        if let Some(record) = record {
            self.own.state.publish(record);
        }
    }

    /// Ends the scope for its owner, and everything below it. Whether this call did it (rule T2).
    pub(crate) fn end(
        self,
        trigger: Trigger,
        at: &'static Location<'static>,
        cause: Option<Cause>,
    ) -> bool {
        let cancelled = Cancelled {
            trigger,
            at,
            after: None,
            cause,
            noticed: None,
        };
        let late = self.publish_own(cancelled);
        sweep::sweep(self);
        // The record of a call that came too late goes last: its cause is foreign code, whose panic is
        // the caller's business and must not keep those who wait from being woken.
        late.is_none()
    }

    /// Publishes this record, unless the scope has ended, or is found to have: then it is given back.
    fn publish_own(self, cancelled: Cancelled) -> Option<Record> {
        let when = Instant::now();
        let expired = matches!(&self.own.deadline, Some(deadline) if deadline.at <= when);
        let own = Record { cancelled, when };
        let links = self.own.links.lock();
        let late = if self.own.state.load().ended() {
            Some(own)
        } else if let Some(earlier) = self.verdict(expired) {
            self.own.state.publish(earlier);
            Some(own)
        } else {
            self.own.state.publish(own);
            None
        };
        drop(links);
        late
    }

    /// Enters the lists of the parents, so that their end is brought here (invariant 1).
    #[inline]
    pub(crate) fn link(self) {
        if !self.own.state.load().linked() {
            self.link_now();
        }
    }

    fn link_now(self) {
        let state = &self.own.state;
        if state.load().ended() || state.start_linking().ended() {
            return;
        }
        for (side, parent) in self.parents() {
            if !self.enter(side, parent) {
                self.settle(false);
                return;
            }
        }
        state.finish_linking();
    }

    /// Enters one list; false if that parent has ended.
    fn enter(self, side: Side, parent: ScopeRef<'_>) -> bool {
        let mut links = parent.own.links.lock();
        if parent.own.state.load().ended() {
            return false;
        }
        let place = &self.own.places[side as usize];
        // A scope that has ended stays out, as its owner has left the lists already or is about to ask
        // for this lock; and of two threads that link the same scope the second finds it done.
        if place.get() == Place::NOWHERE && !self.own.state.load().ended() {
            place.set(links.children.len());
            links.children.push(Child {
                node: Arc::downgrade(self.node),
                side,
            });
        }
        true
    }
}

impl ScopeNode {
    /// Takes the scope out of its parents' lists, if it ever entered them. They know it by `address`.
    #[inline]
    pub(crate) fn leave_parents(&self, node: &Node, address: *const Node) {
        if self.state.load().linking() {
            self.leave_parents_now(node, address);
        }
    }

    fn leave_parents_now(&self, node: &Node, address: *const Node) {
        for side in SIDES {
            let parent = match side {
                Side::Up => ScopeRef::above(node.up.as_ref()),
                Side::Other => self.other.as_ref().and_then(ScopeRef::of),
            };
            if let Some(parent) = parent {
                parent.own.strike(&self.places[side as usize], address);
            }
        }
    }

    /// Takes `child` out of this scope's list. The last entry moves into its place; an entry whose node
    /// is already being dropped cannot be told of its new place, and is taken out instead.
    fn strike(&self, place: &Place, child: *const Node) {
        let mut moved = None;
        let mut links = self.links.lock();
        let children = &mut links.children;
        let index = place.get();
        let listed =
            matches!(children.get(index), Some(it) if std::ptr::eq(it.node.as_ptr(), child));
        while listed && children.len() > index {
            let Some(last) = children.pop() else { break };
            if children.len() == index {
                break;
            }
            if let Some(node) = last.node.upgrade() {
                if let Kind::Scope(scope) = &node.kind {
                    scope.places[last.side as usize].set(index);
                }
                if let Some(slot) = children.get_mut(index) {
                    *slot = last;
                }
                moved = Some(node);
                break;
            }
        }
        place.set(Place::NOWHERE);
        drop(links);
        // The moved node may have lost its last other holder meanwhile, so it is dropped out here.
        drop(moved);
    }
}
