//! How an end comes down the tree: who is in whose list, and who decides what a scope ended by.
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
//! 4. What ended a scope is decided once, under its lock, as `verdict` says.
//! 5. A read may end a scope (a deadline that has passed, a parent that has ended). It takes nobody out
//!    of the lists and wakes nobody (rule T10); the walk of a later cancel, the waiters' own timers and
//!    the drop of the scope see to those.

use crate::{
    aside::aside,
    end::End,
    error::Cause,
    links::{Child, Links, NOWHERE},
    lock::Guard,
    node::{How, Node, Place, ScopeNode, ScopeRef, Side},
    stamp::Stamp,
    state::Word,
    sweep,
    verdict::Verdict,
};
use std::{
    panic::Location,
    sync::{Arc, Weak},
};
use tokio::time::Instant;

/// Whether a context has ended, to the instant (rule D3).
///
/// Mostly the word of its line tells, or that of the scope above. What is asked first is what is so most often: the
/// few branches on the way to "live" are what a read takes its time for.
#[inline]
pub(crate) fn has_ended(node: &Arc<Node>) -> bool {
    let mut line: &Node = node;
    let mut word = line.state.load();
    if word.is_quiet() {
        return false;
    }
    if word.ended() {
        return true;
    }
    if word.is_aside() {
        let Some(found) = node.line_at_a_glance(word) else {
            return has_ended_after_all(node);
        };
        line = found;
        word = line.state.load();
        if word.is_quiet() {
            return false;
        }
    }
    if word.is_alone() && is_below_quiet(line) {
        return false;
    }
    word.ended() || has_ended_after_all(node)
}

/// The same where a glance does not tell.
#[inline(never)]
fn has_ended_after_all(node: &Arc<Node>) -> bool {
    if !node.state.load().is_aside() {
        return ended_after_all(node);
    }
    let Some(line) = node.line_aside() else {
        return false;
    };
    let word = line.state.load();
    !is_seen_live(line, word) && (word.ended() || ended_after_all(line))
}

/// Whether a glance tells that a node is live, and a line itself.
#[inline]
pub(crate) fn is_live_line(node: &Node) -> bool {
    is_seen_live(node, node.state.load())
}

/// Whether a node is a line with a deadline, and the clock tells that it is live.
#[inline]
pub(crate) fn is_line_in_time(node: &Arc<Node>) -> bool {
    let word = node.state.load();
    let is_open = |word: Word| !word.ended() && !word.is_aside();
    let deadline = match ScopeRef::of(node) {
        Some(scope) if word.has_deadline() && is_open(word) => scope.own.deadline,
        Some(_) | None => None,
    };
    if deadline.is_none_or(|it| it <= Instant::now()) {
        aside();
        return false;
    }
    if word.linked() {
        aside();
        return true;
    }
    matches!(&node.up, Some(up) if is_open(up.state.load()))
}

/// Whether a line is live by its word, or by that of the node above it: a scope that is in no list yet is as
/// live as its parent (invariant 1).
#[inline]
fn is_seen_live(line: &Node, word: Word) -> bool {
    word.is_quiet() || word.is_alone() && is_below_quiet(line)
}

#[inline]
fn is_below_quiet(line: &Node) -> bool {
    matches!(&line.up, Some(up) if up.state.load().is_quiet())
}

#[inline(never)]
fn ended_after_all(line: &Arc<Node>) -> bool {
    ScopeRef::of(line).is_some_and(ScopeRef::look_around)
}

impl<'a> ScopeRef<'a> {
    /// Whether the scope has ended, to the instant (rule D3).
    #[inline]
    pub(crate) fn is_ended(self) -> bool {
        let word = self.node.state.load();
        !word.is_quiet() && (word.ended() || ended_after_all(self.node))
    }

    /// What ended the scope, to the instant.
    #[inline]
    pub(crate) fn observe(self) -> Option<End> {
        if self.is_ended() {
            self.known_end()
        } else {
            None
        }
    }

    /// Asks what the word cannot know: the clock, and a parent that does not list this scope yet. That one
    /// is the upper one, since a merge enters both lists when it is made.
    #[inline]
    fn look_around(self) -> bool {
        let word = self.node.state.load();
        if word.ended() {
            // The caller has seen an earlier word.
            return true;
        }
        if word.has_deadline() && self.has_expired() {
            return self.settle_now(true);
        }
        let up_ended = |it: ScopeRef<'_>| it.node.state.load().ended();
        let orphaned = !word.linked() && self.parent(Side::Up).is_some_and(up_ended);
        orphaned && self.settle_now(false)
    }

    #[inline]
    fn has_expired(self) -> bool {
        self.own.deadline.is_some_and(|it| it <= Instant::now())
    }

    #[cold]
    fn settle_now(self, expired: bool) -> bool {
        self.settle(expired);
        true
    }

    /// Ends the scope for its owner's call, and everything below it. Whether this call did it (rule T2).
    pub(crate) fn end_by_call(self, at: &'static Location<'static>, cause: Option<Cause>) -> bool {
        let now = Instant::now();
        self.end(End::called(at, cause, Stamp::of(now)), now)
    }

    /// Ends the scope because it was dropped, and everything below it.
    pub(crate) fn end_by_drop(self) {
        let now = Instant::now();
        self.end(End::dropped(self.own.at, Stamp::of(now)), now);
    }

    fn end(self, own: End, now: Instant) -> bool {
        let late = self.publish_own(own, now);
        sweep::sweep(self);
        // The end of a call that came too late goes last: its cause is foreign code, whose panic is the
        // caller's business and must not keep those who wait from being woken.
        late.is_none()
    }

    /// Publishes this as the end, unless the scope has ended, or is found to have: then it is given back.
    fn publish_own(self, own: End, now: Instant) -> Option<End> {
        if self.own.deadline.is_some_and(|deadline| deadline <= now) {
            self.settle(true);
            return Some(own);
        }
        let links = self.own.links.lock();
        let late = if self.node.state.load().ended() {
            Some(own)
        } else if let Some(earlier) = self.verdict(false) {
            self.publish(earlier);
            Some(own)
        } else {
            self.publish(Verdict::Is(own));
            None
        };
        drop(links);
        late
    }

    /// Enters the lists of the parents, so that their end is brought here (invariant 1).
    #[inline]
    pub(crate) fn link(self) {
        let word = self.node.state.load();
        if !word.linked() && !word.ended() {
            drop(self.link_now());
        }
    }

    /// The same, and takes the lock, which the last step needs anyway. The scope may have ended.
    #[inline]
    pub(crate) fn link_and_lock(self) -> Guard<'a, Links> {
        if self.node.state.load().linked() {
            self.own.links.lock()
        } else {
            self.link_now()
        }
    }

    /// Whoever ends a scope takes it out of the lists only if it is said to be in them. So a linker who finds
    /// that it ended before that was said takes it out again (state invariant 2).
    #[inline(never)]
    fn link_now(self) -> Guard<'a, Links> {
        self.enter_parents();
        let links = self.own.links.lock();
        let word = self.node.state.load();
        if !word.ended() {
            self.node.state.link();
        } else if !word.listed() {
            drop(links);
            self.leave_parents_now();
            return self.own.links.lock();
        }
        links
    }

    /// Enters all lists, or ends the scope by the end of a parent.
    fn enter_parents(self) {
        let up = self.parent(Side::Up);
        let entered = up.is_none_or(|up| self.enter(Side::Up, &self.node.place, up))
            && (self.node.how != How::Merge || self.enter_other());
        if !entered {
            self.settle(false);
        }
    }

    #[inline(never)]
    fn enter_other(self) -> bool {
        match (self.parent(Side::Other), self.node.place(Side::Other)) {
            (Some(other), Some(place)) => self.enter(Side::Other, place, other),
            _ => true,
        }
    }

    /// Enters one list; false if that parent has ended.
    #[inline]
    fn enter(self, side: Side, place: &Place, parent: ScopeRef<'_>) -> bool {
        let mut links = parent.own.links.lock();
        if parent.node.state.load().ended() {
            return false;
        }
        // A scope that has ended stays out, as its owner has left the lists already or is about to ask
        // for this lock; and of two threads that link the same scope the second finds it done. One that
        // ends after this look at it is taken out again, by its owner or at the end of `link_now`.
        if place.get() == NOWHERE && !self.node.state.load().ended() {
            let node = Arc::downgrade(self.node);
            place.set(links.add_child(Child { node, side }));
        }
        true
    }

    /// Takes the scope out of its parents' lists, if it is in them. A linker at work sees to itself.
    #[inline]
    pub(crate) fn leave_parents(self) {
        if self.node.state.load().listed() {
            self.leave_parents_now();
        }
    }

    fn leave_parents_now(self) {
        let address = Arc::as_ptr(self.node);
        for (side, parent) in self.parents() {
            if let Some(place) = self.node.place(side) {
                parent
                    .own
                    .strike(place, |entry| std::ptr::eq(entry.as_ptr(), address));
            }
        }
    }
}

impl Node {
    /// The same for a node that is being dropped, and that nobody else can reach any more.
    ///
    /// Its entry is a dead one, and may be told from a live one by that. It may have been taken out as such
    /// by others; then another dead entry in its place is as good to take out.
    #[cold]
    pub(crate) fn leave_parents_at_last(&self) {
        let is_dead = |entry: &Weak<Node>| entry.strong_count() == 0;
        if let Some(parent) = self.parent(Side::Up) {
            parent.own.strike(&self.place, is_dead);
        }
        if self.how == How::Merge {
            if let (Some(place), Some(other)) = (self.place(Side::Other), self.parent(Side::Other))
            {
                other.own.strike(place, is_dead);
            }
        }
    }
}

impl ScopeNode {
    /// Takes the child at `place` out of this scope's list, if it is the one that is meant.
    fn strike(&self, place: &Place, is_meant: impl Fn(&Weak<Node>) -> bool) {
        let mut links = self.links.lock();
        let moved = links.strike(place.get(), is_meant);
        place.set(NOWHERE);
        drop(links);
        // The moved node may have lost its last other holder meanwhile, so it is dropped out here.
        drop(moved);
    }
}
