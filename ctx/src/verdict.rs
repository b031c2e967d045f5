//! What ended a scope: the decision, and how a reader finds it.
//!
//! 1. It is decided once, under the scope's lock, from what is final by then: its parents' ends, its
//!    deadline and, for its owner's call, the clock. The earliest wins; on a tie a deadline beats a call, a
//!    parent its child, and a merge's first side the second (rules D1, D6, T12).
//! 2. A scope that ends by its parent's end writes only which parent that is. By then that parent has its
//!    ENDED, and so on upwards, to a scope that an end was written into. Readers walk there, and write what
//!    they find into all the scopes on the way: so many reads of one branch walk it once, and the walk of
//!    a cancellation touches no more of a child than it must.
//! 3. Where a deadline has passed, all those who have it from the same owner have ended, and they are told
//!    from the top down before anybody below may write that he has the end from there.
//!
//! All of this loops and never recurses, since depth is no limit.

use crate::{
    end::{End, Story},
    error::Trigger,
    few::Few,
    node::{How, Kind, Node, ScopeRef, Side, Source},
    stamp::Stamp,
};
use std::{sync::Arc, time::Duration};

/// What ends a scope.
pub(crate) enum Verdict {
    /// The end of the parent on this side.
    Inherited(Side),
    Is(End),
}

/// How the scope ended that is this line and is known to have ended.
///
/// It comes alone and so in registers: who is told gets his error made of it, and nobody else needs one.
///
/// # Panics
///
/// Never: what has ended has an end (state invariant 1).
#[inline(never)]
pub(crate) fn end_of(line: &Arc<Node>) -> End {
    if let Kind::Scope(own) = &line.kind {
        if let Some(end) = own.end.read(End::clone) {
            return end;
        }
    }
    let found = ScopeRef::of(line).and_then(ScopeRef::find_end);
    found.expect("what has ended has an end")
}

impl ScopeRef<'_> {
    /// How the scope ended, if it is known to have.
    #[inline]
    pub(crate) fn known_end(self) -> Option<End> {
        let ended = self.node.state.load().ended();
        ended.then(|| end_of(self.node))
    }

    /// When the scope ended, if it is known to have ended.
    pub(crate) fn ended_at(self) -> Option<Stamp> {
        if !self.node.state.load().ended() {
            return None;
        }
        match self.own.end.read(End::when) {
            Some(when) => Some(when),
            None => Some(self.find_end()?.when()),
        }
    }

    /// Finds the inherited end, and writes it into this scope and all on the way (invariant 2).
    #[cold]
    fn find_end(self) -> Option<End> {
        let heir = |scope: ScopeRef<'_>| scope.node.state.load().inherited();
        let mut here = self;
        let end = loop {
            if let Some(end) = here.own.end.read(End::clone) {
                break end;
            }
            here = here.parent(heir(here)?)?;
        };
        let last = here.node;
        here = self;
        while !Arc::ptr_eq(here.node, last) {
            // Another reader may have been first; then it wrote the same.
            here.own.end.set(end.clone());
            here = here.parent(heir(here)?)?;
        }
        Some(end)
    }

    /// Ends the scope by what has already happened above it, or by its deadline if that has `expired`.
    /// Changes nothing if neither is so, or if it has ended.
    pub(crate) fn settle(self, expired: bool) {
        if expired && self.node.source != Source::Own {
            self.settle_above();
        }
        self.settle_one(expired);
    }

    /// Tells those who gave this scope its deadline that it has passed (invariant 3).
    fn settle_above(self) {
        let mut above = Few::new();
        let mut here = self;
        while let Some(giver) = here.deadline_source() {
            if giver.node.state.load().ended() {
                break;
            }
            above.push(giver);
            here = giver;
        }
        while let Some(giver) = above.pop() {
            giver.settle_one(true);
        }
    }

    fn settle_one(self, expired: bool) {
        let links = self.own.links.lock();
        if self.node.state.load().ended() {
            return;
        }
        if let Some(verdict) = self.verdict(expired) {
            self.publish(verdict);
        }
        drop(links);
    }

    /// Ends the scope by this. The caller holds its lock and has seen that it was live.
    pub(crate) fn publish(self, verdict: Verdict) {
        match verdict {
            Verdict::Inherited(side) => self.node.state.publish(Some(side)),
            Verdict::Is(end) => {
                self.own.end.set(end);
                self.node.state.publish(None);
            }
        }
    }

    /// Ends the scope for a walk that comes from a parent that has ended. The caller holds its lock and has
    /// seen that it was live.
    #[inline]
    pub(crate) fn end_from_above(self) {
        if self.node.how != How::Merge && self.surely_inherits(Side::Up) {
            self.node.state.publish(Some(Side::Up));
        } else if let Some(verdict) = self.verdict(false) {
            self.publish(verdict);
        }
    }

    /// What ends this scope, of all that is final by now (invariant 1).
    pub(crate) fn verdict(self, expired: bool) -> Option<Verdict> {
        let ended = |it: &ScopeRef<'_>| it.node.state.load().ended();
        let up = self.parent(Side::Up).filter(ended);
        let other = self.parent(Side::Other).filter(ended);
        match (up, other) {
            (None, None) if expired => self.deadline_end().map(Verdict::Is),
            (None, None) => None,
            (Some(up), Some(other)) if other.ended_at() < up.ended_at() => {
                Some(self.verdict_below(Side::Other, other))
            }
            (Some(up), _) => Some(self.verdict_below(Side::Up, up)),
            (None, Some(other)) => Some(self.verdict_below(Side::Other, other)),
        }
    }

    /// What ends this scope where the earliest end of its parents is that of `above`, on `side`.
    fn verdict_below(self, side: Side, above: ScopeRef<'_>) -> Verdict {
        if self.surely_inherits(side) {
            return Verdict::Inherited(side);
        }
        match above.ended_at() {
            Some(when) => self.verdict_at(side, when),
            None => Verdict::Inherited(side),
        }
    }

    /// Whether this scope's own deadline never comes before the end of its parent on this side: it has
    /// none, or has it from there.
    #[inline]
    pub(crate) fn surely_inherits(self, side: Side) -> bool {
        !self.node.state.load().has_deadline() || self.node.source == Source::From(side)
    }

    /// What ends this scope where the earliest end of its parents came on `side`, at `when`.
    pub(crate) fn verdict_at(self, side: Side, when: Stamp) -> Verdict {
        // On a tie too: a deadline beats a call, and of two deadlines it is this one that was chosen for
        // its owner, when the scope was made. The end above may be that of a merge's second side, which
        // somebody happened to look at before the first.
        let by_deadline = |deadline| Stamp::of(deadline) <= when;
        if !self.own.deadline.is_some_and(by_deadline) {
            return Verdict::Inherited(side);
        }
        match self.deadline_end() {
            Some(end) => Verdict::Is(end),
            None => Verdict::Inherited(side),
        }
    }

    /// What this scope's deadline says when it has passed.
    fn deadline_end(self) -> Option<End> {
        let when = Stamp::of(self.own.deadline?);
        let mut owner = self;
        while let Some(giver) = owner.deadline_source() {
            owner = giver;
        }
        Some(End::told(Story {
            trigger: Trigger::Deadline,
            at: owner.own.at,
            after: owner.asked_for(),
            cause: owner.node.annex().and_then(|annex| annex.cause.clone()),
            when,
        }))
    }

    /// The timeout that was asked for when the scope was made.
    pub(crate) fn asked_for(self) -> Option<Duration> {
        if self.node.how != How::Timeout {
            return None;
        }
        Some(match self.own.after {
            u64::MAX => Duration::MAX,
            nanoseconds => Duration::from_nanos(nanoseconds),
        })
    }
}
