//! Who carries tasks out: one task of the runtime that ends one task of the group after another.
//!
//! 1. A worker is counted by the crew from its making until it leaves, and it leaves once: by itself, or by
//!    being dropped.
//! 2. The context is looked at in the poll that starts a task, with nothing in between (rule G2).
//! 3. A task's own drop comes before its end is told, and a worker drops its task before it leaves. So what
//!    has been told has ended.
//! 4. Each start costs a unit of the runtime's budget, so that many short tasks in a row do not keep others
//!    from running.

use super::{discard, job::Job, team::Team};
use std::{
    fmt,
    future::Future,
    panic::Location,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, ready},
};
use tokio::task::coop;

pub(crate) struct Worker<T, E> {
    /// What it works on. It stands first, so that it is dropped first.
    job: Option<Job<T, E>>,
    started: bool,
    seat: Seat<T, E>,
}

// The tasks are pinned in their boxes.
impl<T, E> Unpin for Worker<T, E> {}

impl<T, E> Worker<T, E> {
    pub(crate) fn new(team: Arc<Team<T, E>>, job: Job<T, E>) -> Self {
        let at = job.task.at;
        Self {
            job: Some(job),
            started: false,
            seat: Seat {
                team,
                at,
                left: false,
            },
        }
    }
}

impl<T, E: fmt::Display> Future for Worker<T, E> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        loop {
            let Self { job, started, seat } = &mut *self;
            let Some(current) = job else {
                let Some(next) = seat.next() else {
                    return Poll::Ready(());
                };
                *job = Some(next);
                *started = false;
                continue;
            };
            let team = &seat.team;
            if !*started {
                ready!(coop::poll_proceed(cx)).made_progress();
                *started = true;
                if team.context.is_cancelled() {
                    discard(job.take());
                    team.close();
                    continue;
                }
            }
            let ended = ready!(current.poll(&team.context, cx));
            let Some(current) = job.take() else { continue };
            let task = current.task;
            let ended = current.bury(ended);
            team.settle(task, ended);
        }
    }
}

/// A worker's place in the crew.
struct Seat<T, E> {
    team: Arc<Team<T, E>>,
    /// The line that spawned its latest task.
    at: &'static Location<'static>,
    left: bool,
}

impl<T, E> Seat<T, E> {
    fn next(&mut self) -> Option<Job<T, E>> {
        let next = self.team.crew.next();
        match &next {
            Some(job) => self.at = job.task.at,
            None => self.left = true,
        }
        next
    }
}

impl<T, E> Drop for Seat<T, E> {
    fn drop(&mut self) {
        if !self.left {
            self.team.lose_worker(self.at);
        }
    }
}
