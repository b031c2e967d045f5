//! What a future needs to wait for the end of a scope: a place in its list and, for a deadline, a timer.

use crate::{end::End, node::ScopeRef, timer::Timer, verdict, wait_list::Key};
use std::task::{Context as TaskContext, Poll, Waker};

/// What became of an attempt to wait.
pub(crate) enum Enrolled {
    /// The scope has ended; there is nothing to wait for.
    Ended,
    /// The waker stands in the list, in the place of this one.
    Waiting { replaced: Option<Waker> },
}

/// Puts `waker` into the list of `scope`, unless it has ended.
///
/// Why no wake-up is lost: the scope is linked first, so its end will be brought to it (tree invariant 1).
/// The waker goes in under the lock under which the scope ends and its list is drained: either it goes in
/// first and is drained, or the end is seen here. Linking ends under the same lock, so it is taken once.
///
/// Whoever comes for the first time has just asked the clock, and makes a timer next. Whoever comes again
/// was woken, perhaps ahead of a timer that nobody had the time to ring.
#[inline]
pub(crate) fn enroll(scope: ScopeRef<'_>, key: &mut Key, waker: &Waker) -> Enrolled {
    if *key == Key::NONE {
        put(scope, key, waker)
    } else {
        enroll_again(scope, key, waker)
    }
}

/// The same for one that has no place yet, and for a waker that has just been polled with; none if the scope has
/// ended.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it is a part of its one caller")]
pub(crate) fn enroll_first(scope: ScopeRef<'_>, waker: &Waker) -> Option<Key> {
    let waker = waker.clone();
    let mut links = scope.link_and_lock();
    if scope.node.state.load().ended() {
        drop(links);
        drop(waker);
        return None;
    }
    let place = links.put_first(waker);
    drop(links);
    Some(place)
}

#[inline(never)]
fn enroll_again(scope: ScopeRef<'_>, key: &mut Key, waker: &Waker) -> Enrolled {
    if scope.is_ended() {
        return Enrolled::Ended;
    }
    if scope.own.links.lock().will_wake(*key, waker) {
        return Enrolled::Waiting { replaced: None };
    }
    put(scope, key, waker)
}

#[inline]
fn put(scope: ScopeRef<'_>, key: &mut Key, waker: &Waker) -> Enrolled {
    if scope.node.state.load().ended() {
        return Enrolled::Ended;
    }
    // The clone is foreign code and so is made without the lock; the place is ours alone meanwhile.
    let waker = waker.clone();
    let mut links = scope.link_and_lock();
    if scope.node.state.load().ended() {
        drop(links);
        drop(waker);
        return Enrolled::Ended;
    }
    let (place, replaced) = links.put(*key, waker);
    drop(links);
    *key = place;
    Enrolled::Waiting { replaced }
}

/// Takes a waiter out of the list of `scope`, if it is there.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "most of it is the lock, which is inlined too"
)]
pub(crate) fn withdraw(scope: ScopeRef<'_>, key: &mut Key) -> Option<Waker> {
    if *key == Key::NONE {
        return None;
    }
    let key = std::mem::replace(key, Key::NONE);
    scope.own.links.lock().remove(key)
}

/// Waits for the deadline of `scope`, if it has one; ready once it has passed, and ended the scope.
///
/// The timer's word is final: where it has rung, the scope ends, even if this thread's clock lags.
#[inline]
pub(crate) fn poll_deadline(
    scope: ScopeRef<'_>,
    timer: &mut Timer,
    cx: &mut TaskContext<'_>,
) -> Poll<()> {
    let Some(deadline) = scope.own.deadline else {
        return Poll::Pending;
    };
    std::task::ready!(timer.poll(deadline, cx));
    scope.settle(true);
    Poll::Ready(())
}

/// A waiter that only wants to hear of the end: `done()`.
pub(crate) struct Watch {
    key: Key,
    timer: Timer,
}

impl Watch {
    pub(crate) const fn new() -> Self {
        Self {
            key: Key::NONE,
            timer: Timer::unset(),
        }
    }

    pub(crate) fn poll(&mut self, scope: ScopeRef<'_>, cx: &mut TaskContext<'_>) -> Poll<End> {
        if self.key == Key::NONE {
            // This asks the clock, as `enroll` takes for granted, and ends the scope if it has come to that.
            scope.is_ended();
        }
        if let Enrolled::Waiting { replaced } = enroll(scope, &mut self.key, cx.waker()) {
            drop(replaced);
            std::task::ready!(poll_deadline(scope, &mut self.timer, cx));
        }
        self.clear(scope);
        Poll::Ready(verdict::end_of(scope.node))
    }

    pub(crate) fn clear(&mut self, scope: ScopeRef<'_>) {
        drop(withdraw(scope, &mut self.key));
        self.timer.stop();
    }
}
