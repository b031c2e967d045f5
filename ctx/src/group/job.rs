//! A task as the crew keeps it: not started, or at work; then how it ended.

use super::discard;
use crate::context::Context;
use pin_project_lite::pin_project;
use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, Location, catch_unwind},
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
};
use tokio::task::JoinHandle;

/// Which task of the group, and the line that spawned it.
#[derive(Clone, Copy)]
pub(crate) struct Task {
    pub(crate) index: usize,
    pub(crate) at: &'static Location<'static>,
}

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// How a task ended.
pub(crate) enum Ended<T, E> {
    Done(T),
    Failed(E),
    Panicked(Payload),
    /// Whoever ran it has seen to the rest.
    Settled,
    /// Its runtime dropped it.
    Lost,
}

impl<T, E> From<Result<T, E>> for Ended<T, E> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self::Done(value),
            Err(error) => Self::Failed(error),
        }
    }
}

impl<T, E> Ended<T, E> {
    /// How the call of a closure ended.
    pub(crate) fn by_calling(task: impl FnOnce() -> Result<T, E>) -> Self {
        match catch_unwind(AssertUnwindSafe(task)) {
            Ok(result) => result.into(),
            Err(payload) => Self::Panicked(payload),
        }
    }

    /// The same end, or the panic that followed it, unless that followed a panic.
    fn unless_panicked(self, dropping: std::thread::Result<()>) -> Self {
        match (self, dropping) {
            (ended, Ok(())) => ended,
            (Self::Panicked(first), Err(second)) => {
                discard([second]);
                Self::Panicked(first)
            }
            (ended, Err(payload)) => {
                discard([ended]);
                Self::Panicked(payload)
            }
        }
    }
}

/// A task in its box, which is all that is kept of it: whether it waits or runs, and whoever runs it, it
/// takes the room that it needs and gives it back when it ends.
pub(crate) struct Job<T, E> {
    pub(crate) task: Task,
    stages: Pin<Box<dyn Run<T, E>>>,
}

impl<T, E> Job<T, E> {
    pub(crate) fn new<S, F>(task: Task, start: S) -> Self
    where
        S: FnOnce(Context) -> F + Send + 'static,
        F: Future<Output: Into<Ended<T, E>>> + Send + 'static,
    {
        let start = Some(start);
        Self {
            task,
            stages: Box::pin(Stages::Fresh { start }),
        }
    }

    /// One poll; its panic is an end like others.
    pub(crate) fn poll(
        &mut self,
        context: &Context,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Ended<T, E>> {
        let stages = self.stages.as_mut();
        match catch_unwind(AssertUnwindSafe(|| stages.run(context, cx))) {
            Ok(polled) => polled,
            Err(payload) => Poll::Ready(Ended::Panicked(payload)),
        }
    }

    /// Drops what is left of a task that has `ended`, since that belongs to it: a panic there is the
    /// task's own.
    pub(crate) fn bury(self, ended: Ended<T, E>) -> Ended<T, E> {
        ended.unless_panicked(catch_unwind(AssertUnwindSafe(|| drop(self))))
    }
}

/// What the box hides: the types of the closure and of its future.
trait Run<T, E>: Send {
    fn run(self: Pin<&mut Self>, context: &Context, cx: &mut TaskContext<'_>) -> Poll<Ended<T, E>>;
}

pin_project! {
    // One place for both, since a closure is over when its future begins.
    #[project = StagesProject]
    enum Stages<S, F> {
        Fresh { start: Option<S> },
        Running { #[pin] future: F },
    }
}

impl<S, F, T, E> Run<T, E> for Stages<S, F>
where
    S: FnOnce(Context) -> F + Send,
    F: Future<Output: Into<Ended<T, E>>> + Send,
{
    fn run(
        mut self: Pin<&mut Self>,
        context: &Context,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Ended<T, E>> {
        loop {
            let start = match self.as_mut().project() {
                StagesProject::Running { future } => return future.poll(cx).map(Into::into),
                StagesProject::Fresh { start } => start.take(),
            };
            let start = start.expect("a task that panicked is not polled again");
            let future = start(context.clone());
            self.set(Self::Running { future });
        }
    }
}

/// A closure at work on a thread for blocking code, which settles the end by itself.
pub(crate) struct Blocking(pub(crate) JoinHandle<()>);

impl Future for Blocking {
    type Output = Handed;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Handed> {
        // It catches the panics of the task, so a failure to join says that it never ran.
        Poll::Ready(Handed {
            lost: ready!(Pin::new(&mut self.0).poll(cx)).is_err(),
        })
    }
}

/// How a blocking task ended, as far as the worker that waited for it is concerned.
pub(crate) struct Handed {
    lost: bool,
}

impl<T, E> From<Handed> for Ended<T, E> {
    fn from(handed: Handed) -> Self {
        if handed.lost {
            Self::Lost
        } else {
            Self::Settled
        }
    }
}
