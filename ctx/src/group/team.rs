//! What all tasks of a group share: its crew, its context, and what is done about a task that ended.
//!
//! 1. The crew is closed before a failure ends the context, and the context is looked at before each start,
//!    by whoever spawns and by the worker. So where the context has ended no start begins any more (rule
//!    G2), and whoever finds it ended closes the crew: nothing is left in the queue.
//! 2. The first failure ends the context on the stack of the task that failed, whether or not anybody
//!    waits for the group (rule G1).
//! 3. A worker that its runtime drops ends the context too, since its task will never have a result, and
//!    the others may wait for it.
//!
//! Everything here that is foreign (an error's `Display`, the drops of tasks, results and payloads) runs
//! without a lock, and its panics are contained.

use super::{
    cause::{TaskFailed, TaskPanicked},
    crew::{Admission, Crew, Outcome, Rest},
    discard,
    job::{Ended, Job, Payload, Task},
    worker::Worker,
};
use crate::{
    context::Context,
    error::{BoxError, Cancelled, cause_from},
};
use std::{
    fmt,
    panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind},
    sync::Arc,
};

pub(crate) struct Team<T, E> {
    pub(crate) crew: Crew<Job<T, E>, T, Failure<E>>,
    /// The group's own scope.
    pub(crate) context: Context,
}

pub(crate) enum Failure<E> {
    Error(E),
    Panic(Payload),
}

impl<T, E> Team<T, E> {
    pub(crate) fn new(context: Context) -> Arc<Self> {
        let crew = Crew::new();
        Arc::new(Self { crew, context })
    }

    /// Takes a task in: a worker that is to be run, if there is to be one more.
    pub(crate) fn admit(self: &Arc<Self>, job: Job<T, E>) -> Option<Worker<T, E>> {
        if self.context.is_cancelled() {
            self.close();
        }
        match self.crew.admit(job) {
            Admission::Start(job) => Some(Worker::new(Arc::clone(self), job)),
            Admission::Queued => None,
            Admission::Refused(job) => {
                discard([job]);
                None
            }
        }
    }

    /// Nothing starts any more, and what waits is dropped.
    pub(crate) fn close(&self) {
        discard(self.crew.close());
    }

    /// A worker is gone, and its task with it.
    pub(crate) fn lose_worker(&self, at: &'static Location<'static>) {
        self.lose(at, self.crew.lose_worker());
    }

    fn lose(&self, at: &'static Location<'static>, rest: Rest<Job<T, E>>) {
        self.end(at, || {
            "the runtime of a task in the group has shut down".into()
        });
        discard(rest);
    }

    /// Ends the context, unless it has ended.
    fn end(&self, at: &'static Location<'static>, cause: impl FnOnce() -> BoxError) {
        if self.context.is_cancelled() {
            return;
        }
        if let Some(scope) = self.context.scope() {
            scope.end_by_call(at, Some(cause_from(cause())));
        }
    }
}

impl<T, E: fmt::Display> Team<T, E> {
    /// A task has ended: stores its result, or ends the others if it is the first that failed.
    pub(crate) fn settle(&self, task: Task, ended: Ended<T, E>) {
        match ended {
            Ended::Done(value) => discard(self.crew.deliver(task.index, value)),
            Ended::Failed(error) => self.fail(task, Failure::Error(error)),
            Ended::Panicked(payload) => self.fail(task, Failure::Panic(payload)),
            Ended::Settled => {}
            Ended::Lost => self.lose(task.at, self.crew.close()),
        }
    }

    fn fail(&self, task: Task, failure: Failure<E>) {
        let Some(rest) = self.crew.claim() else {
            discard([failure]);
            return;
        };
        self.end(task.at, || failure.cause(task.index));
        discard(rest);
        self.crew.confess(failure);
    }

    /// Runs a blocking task on this thread, unless the group has ended before the thread came to it.
    pub(crate) fn run_blocking(
        &self,
        task: Task,
        context: &Context,
        call: impl FnOnce(&Context) -> Result<T, E>,
    ) {
        if context.is_cancelled() {
            self.close();
            discard([call]);
            return;
        }
        let ended = Ended::by_calling(|| call(context));
        self.settle(task, ended);
    }

    /// What the group has come to, once its last worker has gone; `at` is the line that asked.
    ///
    /// # Panics
    ///
    /// With the panic of the first task that failed, if it panicked.
    pub(crate) fn verdict(&self, at: &'static Location<'static>) -> Result<Vec<T>, E>
    where
        E: From<Cancelled>,
    {
        let (failure, unused) = match self.crew.outcome() {
            Outcome::Done(results) => return Ok(results),
            Outcome::Failed(failure, unused) => (Some(failure), unused),
            Outcome::Skipped(unused) => (None, unused),
        };
        discard(unused);
        match failure {
            Some(Failure::Error(error)) => Err(error),
            Some(Failure::Panic(payload)) => resume_unwind(payload),
            None => {
                let cancelled = self.context.err();
                let cancelled =
                    cancelled.expect("tasks are skipped only once the context has ended");
                Err(cancelled.noticed(at).into())
            }
        }
    }
}

impl<E: fmt::Display> Failure<E> {
    fn cause(&self, index: usize) -> BoxError {
        match self {
            Self::Error(error) => {
                let text = catch_unwind(AssertUnwindSafe(|| error.to_string()));
                let message = text.unwrap_or_else(|payload| {
                    discard([payload]);
                    "an error whose Display panics".to_owned()
                });
                Box::new(TaskFailed { index, message })
            }
            Self::Panic(payload) => Box::new(TaskPanicked {
                index,
                message: message_of(payload),
            }),
        }
    }
}

/// What `panic!` was told.
fn message_of(payload: &Payload) -> String {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        return (*text).to_owned();
    }
    match payload.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => "a payload that is no text".to_owned(),
    }
}
