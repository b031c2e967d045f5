//! The walk of a cancellation: every descendant is ended, then everybody who waits is told.
//!
//! The walk is a loop over a path of levels, so that depth costs memory of the heap and no stack. A level
//! is a scope whose list is being emptied from its end, a batch at a time. The entries of a batch stay in
//! the list until each of them is finished (tree invariant 3), so a second canceller who comes along
//! meanwhile finds them and helps, instead of returning before they are done.
//!
//! Why a batch may be cut off the list by its length: an ended scope's list only gets shorter, and taking
//! one entry out moves the last one, which belongs to a batch at work, further to the front. So behind
//! `base` there are only entries of this batch. One that was moved in front of `base` is met again.
//!
//! From the last child to the first within a batch too, since children that were made one after another
//! mostly stand in memory that way, and a processor fetches ahead of a walk that keeps its direction.
//!
//! Nobody is woken before the last descendant has ended, and all of it after the last lock (rule T9).

use crate::{
    callbacks,
    links::{Child, NOWHERE},
    node::{How, Node, ScopeRef, Side},
};
use std::{
    hint::black_box,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Weak},
    task::Waker,
};

/// How many children are looked up under one lock, which is taken the more often the fewer they are. All of them are
/// to be in the nearest cache until they are finished.
const BATCH: usize = 32;

/// Ends what is below `root`, which has ended, takes it out of its parents' lists and tells everybody.
pub(crate) fn sweep(root: ScopeRef<'_>) {
    let mut harvest = Harvest::default();
    if harvest.reap(root) {
        descend(root.node, &mut harvest);
    }
    root.leave_parents();
    harvest.deliver();
}

fn descend(root: &Arc<Node>, harvest: &mut Harvest) {
    let mut done = Batch::with_capacity(BATCH);
    let mut path = vec![Level::of(Arc::clone(root))];
    while let Some(level) = path.last_mut() {
        if !level.advance(&mut done) {
            if let Some(done) = path.pop() {
                leave_other_side(&done.node);
                contain(|| drop(done));
            }
            continue;
        }
        let batch = std::mem::take(&mut level.batch);
        let depth = path.len() - 1;
        for (child, _) in &batch {
            let Some(scope) = ScopeRef::of(child) else {
                continue;
            };
            if harvest.reap(scope) {
                path.push(Level::of(Arc::clone(child)));
            } else {
                leave_other_side(child);
            }
        }
        path[depth].batch = batch;
    }
}

/// A merge stands in two lists. The walk cuts it off the one it came through; this is the other.
#[inline]
fn leave_other_side(child: &Arc<Node>) {
    if child.how == How::Merge {
        if let Some(scope) = ScopeRef::of(child) {
            scope.leave_parents();
        }
    }
}

type Batch = Vec<(Arc<Node>, Side)>;

struct Level {
    node: Arc<Node>,
    /// The children at work: those in the list from the one at `base` on, or the one in the node itself.
    batch: Batch,
    base: usize,
    inline: bool,
}

impl Level {
    fn of(node: Arc<Node>) -> Self {
        Self {
            node,
            batch: Batch::new(),
            base: usize::MAX,
            inline: false,
        }
    }

    /// Cuts the finished batch off and takes up the next; false when there is none. `done` is empty, and
    /// is left so: its room is what matters.
    fn advance(&mut self, done: &mut Batch) -> bool {
        let Some(scope) = ScopeRef::of(&self.node) else {
            return false;
        };
        std::mem::swap(&mut self.batch, done);
        let mut links = scope.own.links.lock();
        for (child, side) in &*done {
            if let Some(place) = child.place(*side) {
                place.set(NOWHERE);
            }
        }
        if self.inline {
            links.take_inline_child();
        }
        links.cut_list(self.base);
        while self.batch.is_empty() && !links.listed().is_empty() {
            self.base = links.listed().len().saturating_sub(BATCH);
            let tail = &links.listed()[self.base..];
            // Memory is what a walk waits for. These looks wait together; the read-modify-writes below
            // would wait one after another.
            for entry in tail.iter().rev() {
                black_box(entry.node.strong_count());
            }
            let alive = |entry: &Child| Some((entry.node.upgrade()?, entry.side));
            self.batch.extend(tail.iter().rev().filter_map(alive));
            if self.batch.is_empty() {
                // Only nodes that are being dropped stood here.
                links.cut_list(self.base);
            }
        }
        if self.batch.is_empty() {
            self.inline = true;
            let child = links.inline_child();
            let child = child.and_then(Weak::upgrade);
            self.batch.extend(child.map(|child| (child, Side::Up)));
        }
        drop(links);
        // The old batch may hold the last handle of a child: its drop may run foreign code.
        contain(|| done.clear());
        !self.batch.is_empty()
    }
}

/// Who is to be told, collected while locks are held and told after.
#[derive(Default)]
struct Harvest {
    wakers: Vec<Waker>,
    callbacks: Vec<Arc<Node>>,
}

impl Harvest {
    /// Ends `scope` if a parent has ended and it has not, and takes out who waits on it; whether it has
    /// children to be walked.
    #[inline]
    fn reap(&mut self, scope: ScopeRef<'_>) -> bool {
        let mut links = scope.own.links.lock();
        if !scope.node.state.load().ended() {
            scope.end_from_above();
        }
        let waiter = links.take_only_waiter();
        if waiter.is_none() {
            links.drain_into(&mut self.wakers);
        }
        if links.has_callbacks() {
            self.callbacks.push(Arc::clone(scope.node));
        }
        let has_children = links.has_children();
        drop(links);
        if let Some(waiter) = waiter {
            self.keep(waiter);
        }
        has_children
    }

    /// Keeps a waker, unless it wakes the same task as the one before: who waits for many scopes in one task is
    /// woken once, and a crowd of such waiters need not be kept.
    #[inline]
    fn keep(&mut self, waker: Waker) {
        match self.wakers.last() {
            Some(last) if last.will_wake(&waker) => contain(|| drop(waker)),
            _ => self.wakers.push(waker),
        }
    }

    fn deliver(self) {
        let mut wakers = self.wakers.into_iter();
        let mut next = wakers.next();
        while let Some(waker) = next {
            next = wakers.next();
            // Checkpoints around each other wait with one waker; waking it once is enough, since nothing
            // was polled in between.
            if !next.as_ref().is_some_and(|next| next.will_wake(&waker)) {
                contain(|| waker.wake_by_ref());
            }
            // Apart from the wake, since a waker that panics in both must not do so in one.
            contain(|| drop(waker));
        }
        for node in self.callbacks {
            if let Some(scope) = ScopeRef::of(&node) {
                callbacks::start(scope);
            }
        }
    }
}

/// Runs foreign code whose panic is nobody else's business (rule T9).
///
/// The panic was reported by the panic hook when it started. It goes no further, since neither the
/// canceller nor those still to be woken could do anything about it.
pub(crate) fn contain(foreign: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(foreign)) {
        // A payload's own drop may panic too; leaking that one is the end of it.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(payload);
        }
    }
}
