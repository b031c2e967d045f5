//! Tasks that belong together: a handle that documents and delegates.

mod cause;
mod wait;

// The mechanism: who works and what waits, what is done about an end, and what the runtime has of it.
mod crew;
mod job;
mod team;
mod worker;
mod members;
#[cfg(all(test, ctx_loom))]
mod models;

pub use cause::{TaskFailed, TaskPanicked};
pub use wait::Wait;

use crate::{context::Context, error::Cancelled, sweep::contain};
use members::Members;
use std::{fmt, future::Future, panic::Location};

/// Tasks that are spawned together, waited for together, and end together.
///
/// Each task gets the group's own context, which descends from the one that made the group.
///
/// - The first task that returns an error, or panics, cancels that context at once, whether or not anybody
///   waits yet, with [`TaskFailed`] or [`TaskPanicked`] as the cause.
/// - Nothing new starts in a group that was cancelled, by a task or from above: tasks that are queued, or
///   were spawned and not polled yet, or are spawned later, are skipped. Their closures are dropped, never
///   called.
/// - [`spawn`](Self::spawn) never blocks. With a [`limit`](Self::limit), what is over it is queued, and
///   started in the order of spawning, by whoever ends a task; nobody has to wait for the group for that.
/// - [`wait`](Self::wait) returns when every task has ended, never before, also after an error, and also
///   when the context above ends.
/// - Dropping the group cancels it, drops what is queued, and aborts what runs: no async task is polled
///   once more after that. A blocking closure that runs cannot be stopped from outside; it hears the
///   cancellation in its context, and only `wait` waits for it.
///
#[doc = include_str!("../docs/group.md")]
#[must_use = "a group that is dropped cancels and aborts its tasks"]
pub struct Group<T, E> {
    members: Members<T, E>,
}

// As for `Context`; the results and the failure are only ever moved, and never seen through a shared group.
impl<T, E> std::panic::UnwindSafe for Group<T, E> {}
impl<T, E> std::panic::RefUnwindSafe for Group<T, E> {}

impl Context {
    /// A group of tasks below this context: Go's `errgroup`, structured.
    ///
    /// The group's tasks hear the end of this context through the one that they are given. This one never
    /// hears of them: a task that fails ends its group, and nothing above it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use ctx::{Cancelled, Context};
    ///
    /// let ctx = Context::background();
    /// let mut group = ctx.group::<u32, Cancelled>().limit(8);
    /// for part in 0..20 {
    ///     group.spawn(move |_ctx| async move { Ok(part * part) });
    /// }
    /// let squares = group.wait().await.unwrap();
    /// assert_eq!(squares[..4], [0, 1, 4, 9]);
    /// # }
    /// ```
    #[track_caller]
    pub fn group<T, E>(&self) -> Group<T, E> {
        Group {
            members: Members::new(self.with_cancel()),
        }
    }
}

impl<T, E> Group<T, E> {
    /// The same group, in which at most `limit` tasks run at once.
    ///
    /// A blocking task counts as one, like any other.
    ///
    /// # Panics
    ///
    /// If `limit` is zero, since such a group would wait forever, or if a task was spawned before.
    ///
    /// # Examples
    ///
    /// ```
    /// let group = ctx::Context::background().group::<(), ctx::Cancelled>().limit(2);
    /// ```
    #[track_caller]
    pub fn limit(self, limit: usize) -> Self {
        assert!(
            limit > 0,
            "a group with a limit of 0 would never start a task"
        );
        let fresh = self.members.queue.team.crew.set_limit(limit);
        assert!(
            fresh,
            "the limit of a group is set before its first task is spawned"
        );
        self
    }
}

impl<T: Send + 'static, E: fmt::Display + Send + 'static> Group<T, E> {
    /// Spawns a task: `task` is called with the group's context, and the future that it returns is run, both
    /// on the runtime.
    ///
    /// It returns at once. The task is queued if as many run as the [`limit`](Self::limit) allows, and
    /// skipped if the group was cancelled: then `task` is dropped, here or later, and never called.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, as [`tokio::spawn`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use ctx::{Cancelled, Context, with_context};
    ///
    /// #[with_context(owned)]
    /// async fn fetch(page: u32) -> Result<String, Cancelled> {
    ///     tokio::task::yield_now().await; // a checkpoint
    ///     Ok(format!("page {page}"))
    /// }
    ///
    /// let mut group = Context::background().group();
    /// for page in 1..3 {
    ///     group.spawn(move |ctx| fetch(ctx, page));
    /// }
    /// assert_eq!(group.wait().await.unwrap(), ["page 1", "page 2"]);
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn<F, Fut>(&mut self, task: F)
    where
        F: FnOnce(Context) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.members.spawn(task);
    }

    /// Spawns a task that blocks: `task` is called on one of the runtime's threads for blocking code.
    ///
    /// It is queued and skipped like any other. Once it runs nothing but itself can stop it: it should
    /// [`check`](Context::check) the context that it is given. [`wait`](Self::wait) waits for it; a group
    /// that is dropped leaves it to hear the cancellation.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, as [`tokio::task::spawn_blocking`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use ctx::{Cancelled, Context};
    ///
    /// let mut group = Context::background().group::<u64, Cancelled>();
    /// group.spawn_blocking(|ctx| {
    ///     let mut sum = 0;
    ///     for number in 0..1_000 {
    ///         ctx.check()?;
    ///         sum += number;
    ///     }
    ///     Ok(sum)
    /// });
    /// assert_eq!(group.wait().await.unwrap(), [499_500]);
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, task: F)
    where
        F: FnOnce(&Context) -> Result<T, E> + Send + 'static,
    {
        self.members.spawn_blocking(task);
    }

    /// Waits until every task has ended, and gives their results in the order of spawning.
    ///
    /// If all tasks that were spawned ran and returned `Ok`, so does this, even if the context ended
    /// meanwhile: a result wins. A group without tasks has the result `[]`.
    ///
    /// It takes the group, so nothing can be spawned after it. A checkpoint around it, on a context that
    /// the group descends from, does not drop it once it was polled: when that context ends, the tasks hear
    /// it, and this waits for them. A checkpoint on a context that has *already* ended does not start it,
    /// as it starts nothing, and so drops the group; write `#[shield]` on the `.await` where the tasks must
    /// be waited for even then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the group: tasks are cancelled and aborted.
    ///
    /// # Errors
    ///
    /// - The error of the first task that returned one: the very value.
    /// - If none did and yet some tasks have no result, [`Cancelled`], converted: they were skipped, since
    ///   the context above had ended, or were lost with a runtime that has shut down.
    ///
    /// # Panics
    ///
    /// If the first task to fail panicked, that panic is resumed here, once every task has ended. A panic
    /// that comes after an error, or after another panic, changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use ctx::{BoxError, Context};
    ///
    /// let mut group = Context::background().group::<(), BoxError>();
    /// group.spawn(|_| async { Err("disk full".into()) });
    /// group.spawn(|ctx| async move { Ok(ctx.run_until_cancelled(std::future::pending()).await?) });
    /// assert_eq!(group.wait().await.unwrap_err().to_string(), "disk full");
    /// # }
    /// ```
    #[track_caller]
    pub fn wait(self) -> Wait<T, E>
    where
        E: From<Cancelled>,
    {
        Wait::new(self.members, Location::caller())
    }
}

impl<T, E> fmt::Debug for Group<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let team = &self.members.queue.team;
        let (spawned, running, queued) = team.crew.counts();
        f.debug_struct("Group")
            .field("context", &team.context)
            .field("spawned", &spawned)
            .field("running", &running)
            .field("queued", &queued)
            .finish()
    }
}

/// Drops foreign values one by one: the panic of one keeps no other from being dropped, and is nobody's
/// business.
fn discard(values: impl IntoIterator) {
    for value in values {
        contain(|| drop(value));
    }
}
