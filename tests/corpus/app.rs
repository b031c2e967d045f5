//! The error type that the functions share, and the remote things they talk to.

use super::driver::{Guard, Live};
use ctx::{Cancelled, MissingValue};
use std::{io, time::Duration};
use tokio::{
    sync::{AcquireError, mpsc, oneshot},
    task::JoinError,
    time::{error::Elapsed, sleep},
};

#[derive(Debug)]
#[expect(
    dead_code,
    reason = "what the other errors say is for whoever prints them"
)]
pub(crate) enum AppError {
    /// The context has ended.
    Stopped(Cancelled),
    /// The other side has gone away.
    Closed,
    /// Something else took too long.
    TooSlow,
    Io(io::Error),
    Failed(String),
}

impl AppError {
    /// An error that another attempt may not meet.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, AppError::TooSlow | AppError::Failed(_))
    }
}

impl From<Cancelled> for AppError {
    fn from(cancelled: Cancelled) -> Self {
        AppError::Stopped(cancelled)
    }
}

/// A cancellation that came through a function of `std::io::Result` is one again.
impl From<io::Error> for AppError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Cancelled>() {
            Ok(cancelled) => AppError::Stopped(cancelled),
            Err(error) => AppError::Io(error),
        }
    }
}

impl From<MissingValue> for AppError {
    fn from(missing: MissingValue) -> Self {
        AppError::Failed(missing.to_string())
    }
}

impl From<Elapsed> for AppError {
    fn from(_: Elapsed) -> Self {
        AppError::TooSlow
    }
}

impl<T> From<mpsc::error::SendError<T>> for AppError {
    fn from(_: mpsc::error::SendError<T>) -> Self {
        AppError::Closed
    }
}

impl From<oneshot::error::RecvError> for AppError {
    fn from(_: oneshot::error::RecvError) -> Self {
        AppError::Closed
    }
}

impl From<AcquireError> for AppError {
    fn from(_: AcquireError) -> Self {
        AppError::Closed
    }
}

impl From<JoinError> for AppError {
    fn from(error: JoinError) -> Self {
        match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => AppError::Closed,
        }
    }
}

/// A service elsewhere. A call takes its time, and what is open meanwhile is counted.
#[derive(Clone)]
pub(crate) struct Remote {
    live: Live,
    latency: Duration,
}

impl Remote {
    pub(crate) fn new(live: &Live, millis: u64) -> Self {
        Self {
            live: live.clone(),
            latency: Duration::from_millis(millis),
        }
    }

    pub(crate) async fn call(&self, argument: u32) -> u32 {
        let _open: Guard = self.live.guard();
        sleep(self.latency).await;
        argument * 10
    }

    /// A call whose first attempts fail.
    pub(crate) async fn flaky(&self, attempt: u32, good_from: u32) -> Result<u32, AppError> {
        let answer = self.call(attempt).await;
        if attempt < good_from {
            return Err(AppError::Failed("busy".to_owned()));
        }
        Ok(answer)
    }
}
