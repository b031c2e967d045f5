//! Who works and what waits: the bookkeeping of a group, and nothing of its tasks.
//!
//! A *worker* carries out one task after another. There are at most `limit` of them; a task that finds
//! them all at work is queued, and a worker that has ended its task takes the next one out of the queue
//! by itself, so nobody has to be polled for it.
//!
//! 1. While a task is queued, `limit` workers are counted: it is queued only where that many are, and a
//!    worker leaves only where it finds the queue empty. Both happen under the lock, so every queued task
//!    has a worker that will come to it.
//! 2. `closed` is never taken back, and the queue of a closed crew is empty. So once it is closed no task
//!    that is not in a worker's hands will ever be (rule G2).
//! 3. Of the failures the first to be claimed is the one that counts, and its claim closes the crew. The
//!    claimant tells what it was before its worker leaves. So when the last worker has gone, the first
//!    failure is known, or there was none.
//! 4. A result is stored before the worker of its task leaves. So when the last worker has gone, a task
//!    without a result has failed, or was skipped.
//!
//! There is one lock. No foreign code runs under it: tasks, results and failures are moved in and out, and
//! whatever is to be dropped is handed out.

use crate::lock::Lock;
use std::collections::VecDeque;

/// `J` is a task, `T` what it results in, `X` what became of it where it failed.
pub(crate) struct Crew<J, T, X> {
    desk: Lock<Desk<J, T, X>>,
}

struct Desk<J, T, X> {
    limit: usize,
    workers: usize,
    queue: VecDeque<J>,
    closed: bool,
    /// A place for each task, in the order in which they came.
    results: Vec<Option<T>>,
    first: First<X>,
}

/// The first failure.
enum First<X> {
    Nobody,
    /// Somebody is about to tell.
    Claimed,
    Known(X),
}

/// What became of a task that came.
pub(crate) enum Admission<J> {
    /// There is one worker more, and it starts with this.
    Start(J),
    Queued,
    /// The crew is closed.
    Refused(J),
}

/// What a crew leaves behind when its last worker has gone.
pub(crate) enum Outcome<T, X> {
    /// All tasks have a result.
    Done(Vec<T>),
    /// The first failure, and the results that nobody asks for now.
    Failed(X, Vec<Option<T>>),
    /// Some were skipped, and none failed.
    Skipped(Vec<Option<T>>),
}

/// The tasks that were waiting when the crew was closed. They are the caller's to drop.
pub(crate) type Rest<J> = VecDeque<J>;

impl<J, T, X> Crew<J, T, X> {
    /// A crew without a limit.
    pub(crate) fn new() -> Self {
        Self {
            desk: Lock::new(Desk {
                limit: usize::MAX,
                workers: 0,
                queue: VecDeque::new(),
                closed: false,
                results: Vec::new(),
                first: First::Nobody,
            }),
        }
    }

    /// Sets how many may work at once. False if there was a task before, since invariant 1 would break
    /// where the limit is raised over a queue.
    pub(crate) fn set_limit(&self, limit: usize) -> bool {
        let mut desk = self.desk.lock();
        let fresh = desk.results.is_empty();
        if fresh {
            desk.limit = limit;
        }
        fresh
    }

    /// The index of the next task to come.
    pub(crate) fn next_index(&self) -> usize {
        self.desk.lock().results.len()
    }

    /// A task comes, to be the one with [`next_index`](Self::next_index).
    pub(crate) fn admit(&self, job: J) -> Admission<J> {
        let mut desk = self.desk.lock();
        desk.results.push(None);
        if desk.closed {
            return Admission::Refused(job);
        }
        if desk.workers < desk.limit {
            desk.workers += 1;
            return Admission::Start(job);
        }
        desk.queue.push_back(job);
        Admission::Queued
    }

    /// A worker has ended its task: the next one, or `None`, and then the worker has left.
    pub(crate) fn next(&self) -> Option<J> {
        let mut desk = self.desk.lock();
        let next = desk.queue.pop_front();
        if next.is_none() {
            desk.workers -= 1;
        }
        next
    }

    /// A task has ended well. The value comes back if nobody asks for it any more: on a thread for blocking
    /// code a task may outlive the runtime, and the group.
    pub(crate) fn deliver(&self, index: usize, value: T) -> Option<T> {
        match self.desk.lock().results.get_mut(index) {
            Some(place) => place.replace(value),
            None => Some(value),
        }
    }

    /// A task has failed. The first one closes the crew, and must [`confess`](Self::confess).
    pub(crate) fn claim(&self) -> Option<Rest<J>> {
        let mut desk = self.desk.lock();
        if !matches!(desk.first, First::Nobody) {
            return None;
        }
        desk.first = First::Claimed;
        Some(desk.close())
    }

    /// What the claimed failure was.
    pub(crate) fn confess(&self, failure: X) {
        self.desk.lock().first = First::Known(failure);
    }

    /// No task starts any more.
    pub(crate) fn close(&self) -> Rest<J> {
        self.desk.lock().close()
    }

    /// A worker was dropped before it could leave. Who would come to the queue now? So the crew is closed.
    pub(crate) fn lose_worker(&self) -> Rest<J> {
        let mut desk = self.desk.lock();
        desk.workers -= 1;
        desk.close()
    }

    /// Takes out what there is, once the last worker has gone.
    pub(crate) fn outcome(&self) -> Outcome<T, X> {
        let mut desk = self.desk.lock();
        debug_assert_eq!(desk.workers, 0, "somebody is at work");
        let results = std::mem::take(&mut desk.results);
        let first = std::mem::replace(&mut desk.first, First::Nobody);
        drop(desk);
        if let First::Known(failure) = first {
            return Outcome::Failed(failure, results);
        }
        if results.iter().any(Option::is_none) {
            return Outcome::Skipped(results);
        }
        Outcome::Done(results.into_iter().flatten().collect())
    }

    /// How many tasks came, how many workers there are, and how many tasks wait.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let desk = self.desk.lock();
        (desk.results.len(), desk.workers, desk.queue.len())
    }
}

impl<J, T, X> Desk<J, T, X> {
    fn close(&mut self) -> Rest<J> {
        self.closed = true;
        std::mem::take(&mut self.queue)
    }
}
