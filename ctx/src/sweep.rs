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
//! Nobody is woken before the last descendant has ended, and all of it after the last lock (rule T9).

use crate::{
    callbacks,
    node::{Node, Place, ScopeRef},
    state::Record,
    tree::Child,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Waker,
};

/// How many children are looked up under one lock.
const BATCH: usize = 32;

/// Ends what is below `root`, which has ended, takes it out of its parents' lists and tells everybody.
pub(crate) fn sweep(root: ScopeRef<'_>) {
    let mut harvest = Harvest::default();
    if harvest.reap(root, None) {
        descend(root.node, &mut harvest);
    }
    root.own.leave_parents(root.node, Arc::as_ptr(root.node));
    harvest.deliver();
}

fn descend(root: &Arc<Node>, harvest: &mut Harvest) {
    let mut path = vec![Level::of(Arc::clone(root))];
    while let Some(level) = path.last_mut() {
        if !level.advance() {
            if let Some(done) = path.pop() {
                leave_other_side(&done.node);
                contain(|| drop(done));
            }
            continue;
        }
        let batch = std::mem::take(&mut level.batch);
        let record = level.record.clone();
        let depth = path.len() - 1;
        for (child, _) in &batch {
            let Some(scope) = ScopeRef::of(child) else {
                continue;
            };
            if harvest.reap(scope, record.as_ref()) {
                path.push(Level::of(Arc::clone(child)));
            } else {
                leave_other_side(child);
            }
        }
        path[depth].batch = batch;
    }
}

/// A merge stands in two lists. The walk cuts it off the one it came through; this is the other.
fn leave_other_side(child: &Arc<Node>) {
    if let Some(scope) = ScopeRef::of(child) {
        if scope.own.other.is_some() {
            scope.own.leave_parents(child, Arc::as_ptr(child));
        }
    }
}

struct Level {
    node: Arc<Node>,
    /// What ended it.
    record: Option<Record>,
    /// The children at work, from the one at `base` on.
    batch: Vec<(Arc<Node>, crate::node::Side)>,
    base: usize,
}

impl Level {
    fn of(node: Arc<Node>) -> Self {
        Self {
            record: ScopeRef::of(&node).and_then(|scope| scope.own.state.record()),
            node,
            batch: Vec::new(),
            base: usize::MAX,
        }
    }

    /// Cuts the finished batch off and takes up the next; false when the list is empty.
    fn advance(&mut self) -> bool {
        let Some(scope) = ScopeRef::of(&self.node) else {
            return false;
        };
        // The old batch is dropped after the lock: it may hold the last handle of a child.
        let done = std::mem::take(&mut self.batch);
        let mut links = scope.own.links.lock();
        for (child, side) in &done {
            if let Some(child) = ScopeRef::of(child) {
                child.own.places[*side as usize].set(Place::NOWHERE);
            }
        }
        while links.children.len() > self.base {
            links.children.pop();
        }
        while self.batch.is_empty() && !links.children.is_empty() {
            self.base = links.children.len().saturating_sub(BATCH);
            let tail = self.base..links.children.len();
            let alive = |entry: &Child| Some((entry.node.upgrade()?, entry.side));
            self.batch
                .extend(tail.filter_map(|index| alive(links.children.get(index)?)));
            if self.batch.is_empty() {
                // Only nodes that are being dropped stood here.
                while links.children.len() > self.base {
                    links.children.pop();
                }
            }
        }
        drop(links);
        // That may drop what the node carries, and so run foreign code.
        contain(|| drop(done));
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
    /// Ends `scope` if the walk comes from above it, and takes out who waits on it; whether it has
    /// children to be walked.
    fn reap(&mut self, scope: ScopeRef<'_>, above: Option<&Record>) -> bool {
        let mut links = scope.own.links.lock();
        if let Some(above) = above {
            scope.inherit(above);
        }
        links.waiters.drain_into(&mut self.wakers);
        if links.callbacks.is_some() {
            self.callbacks.push(Arc::clone(scope.node));
        }
        !links.children.is_empty()
    }

    fn deliver(self) {
        let mut last: Option<Waker> = None;
        for waker in self.wakers {
            // Checkpoints around each other wait with one waker; waking it once is enough, since nothing
            // was polled in between.
            if last.as_ref().is_some_and(|last| last.will_wake(&waker)) {
                contain(|| drop(waker));
                continue;
            }
            contain(|| waker.wake_by_ref());
            if let Some(before) = last.replace(waker) {
                contain(|| drop(before));
            }
        }
        contain(|| drop(last));
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
