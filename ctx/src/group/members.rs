//! The tasks of a group as the runtime has them, and what their owner must not forget.
//!
//! The fields are dropped in this order: the scope, so that everybody hears that it is over; the queue, so
//! that nothing starts any more; the set, which aborts what still runs (rule G3).

use super::{
    job::{Blocking, Job, Task},
    team::Team,
    worker::Worker,
};
use crate::{context::Context, scope::CancelScope};
use std::{
    fmt,
    future::Future,
    panic::Location,
    sync::Arc,
    task::{Context as TaskContext, Poll, ready},
};
use tokio::{runtime::Handle, task::JoinSet};

pub(crate) struct Members<T, E> {
    pub(crate) scope: CancelScope,
    pub(crate) queue: Queue<T, E>,
    set: JoinSet<()>,
}

/// The queue's owner.
pub(crate) struct Queue<T, E> {
    pub(crate) team: Arc<Team<T, E>>,
}

impl<T, E> Drop for Queue<T, E> {
    fn drop(&mut self) {
        self.team.close();
    }
}

impl<T, E> Members<T, E> {
    pub(crate) fn new(scope: CancelScope) -> Self {
        let team = Team::new(scope.clone());
        Self {
            scope,
            queue: Queue { team },
            set: JoinSet::new(),
        }
    }

    /// Ready when the last worker has ended. There is nobody else to wait for: see the crew's first
    /// invariant.
    pub(crate) fn poll_ended(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        // How each of them ended the team knows.
        while ready!(self.set.poll_join_next(cx)).is_some() {}
        Poll::Ready(())
    }
}

impl<T: Send + 'static, E: fmt::Display + Send + 'static> Members<T, E> {
    #[track_caller]
    pub(crate) fn spawn<S, F>(&mut self, start: S)
    where
        S: FnOnce(Context) -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let runtime = Handle::current();
        let task = self.task(Location::caller());
        self.add(Job::new(task, start), &runtime);
    }

    #[track_caller]
    pub(crate) fn spawn_blocking<S>(&mut self, call: S)
    where
        S: FnOnce(&Context) -> Result<T, E> + Send + 'static,
    {
        let runtime = Handle::current();
        let task = self.task(Location::caller());
        let team = Arc::clone(&self.queue.team);
        let start = move |context: Context| {
            Blocking(tokio::task::spawn_blocking(move || {
                team.run_blocking(task, &context, call);
            }))
        };
        self.add(Job::new(task, start), &runtime);
    }

    fn task(&self, at: &'static Location<'static>) -> Task {
        let index = self.queue.team.crew.next_index();
        Task { index, at }
    }

    fn add(&mut self, job: Job<T, E>, runtime: &Handle) {
        if let Some(worker) = self.queue.team.admit(job) {
            self.run(worker, runtime);
        }
    }

    fn run(&mut self, worker: Worker<T, E>, runtime: &Handle) {
        // Those that have ended would stay in the set until somebody waits.
        while self.set.try_join_next().is_some() {}
        self.set.spawn_on(worker, runtime);
    }
}
