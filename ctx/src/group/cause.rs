//! Why a group was cancelled.

use std::{error::Error, fmt};

/// The cause that the tasks of a group find where another one returned an error.
///
/// The error itself is what [`Group::wait`](super::Group::wait) returns. The line that
/// [`Cancelled::cancelled_at`](crate::Cancelled::cancelled_at) names is the `spawn` of the task that failed.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use ctx::{BoxError, Context, TaskFailed};
///
/// let mut group = Context::background().group::<(), BoxError>();
/// group.spawn(|ctx| async move {
///     let failed = ctx.done().await.cause_as::<TaskFailed>().unwrap().clone();
///     assert_eq!((failed.index, failed.message.as_str()), (1, "disk full"));
///     Ok(())
/// });
/// group.spawn(|_| async { Err("disk full".into()) });
/// assert_eq!(group.wait().await.unwrap_err().to_string(), "disk full");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFailed {
    /// Which task, in the order in which they were spawned, from 0.
    pub index: usize,
    /// What the error's `Display` said.
    pub message: String,
}

/// The cause that the tasks of a group find where another one panicked.
///
/// The panic itself goes on in [`Group::wait`](super::Group::wait).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use ctx::{Cancelled, Context, TaskPanicked};
///
/// let mut group = Context::background().group::<(), Cancelled>();
/// group.spawn(|ctx| async move {
///     let panicked = ctx.done().await.cause_as::<TaskPanicked>().unwrap().clone();
///     assert_eq!((panicked.index, panicked.message.as_str()), (1, "no such shard"));
///     Ok(())
/// });
/// group.spawn(|_| async { panic!("no such shard") });
/// assert!(tokio::spawn(group.wait()).await.unwrap_err().is_panic());
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskPanicked {
    /// Which task, in the order in which they were spawned, from 0.
    pub index: usize,
    /// What `panic!` was told, if that was text.
    pub message: String,
}

impl fmt::Display for TaskFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} failed: {}", self.index, self.message)
    }
}

impl fmt::Display for TaskPanicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} panicked: {}", self.index, self.message)
    }
}

impl Error for TaskFailed {}
impl Error for TaskPanicked {}
