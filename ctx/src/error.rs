//! What a cancellation looks like to whoever receives it.

use crate::{__private::Body, end::End, report::Report};
use std::{error::Error, fmt, io, panic::Location, sync::Arc, time::Duration};

/// What a cause is made from: anything `Into` this, so `&str`, `String` and every error fit, as with
/// [`std::io::Error::new`].
///
/// # Examples
///
/// ```
/// let cause: ctx::BoxError = "quota used up".into();
/// assert_eq!(cause.to_string(), "quota used up");
/// ```
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// A cause as it is kept: shared, so that [`Cancelled`] stays `Clone`.
pub(crate) type Cause = Arc<dyn Error + Send + Sync + 'static>;

pub(crate) fn cause_from(cause: impl Into<BoxError>) -> Cause {
    Arc::from(cause.into())
}

/// Why a context ended. There are two reasons and there will be no third.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use ctx::{Context, Reason};
///
/// let ctx = Context::background().with_timeout(Duration::ZERO);
/// assert_eq!(ctx.err().unwrap().reason(), Reason::DeadlineExceeded);
/// ```
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Reason {
    /// Somebody cancelled it, by call or by dropping its scope.
    Cancelled,
    /// Its deadline passed.
    DeadlineExceeded,
}

/// How a context ended: one step closer than [`Reason`].
///
/// # Examples
///
/// ```
/// use ctx::{Context, Trigger};
///
/// let scope = Context::background().with_cancel();
/// let ctx = scope.clone();
/// drop(scope);
/// assert_eq!(ctx.err().unwrap().trigger(), Trigger::Dropped);
/// ```
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Trigger {
    /// `cancel()` or `cancel_with(..)` was called.
    Call,
    /// The [`CancelScope`](crate::CancelScope) was dropped.
    Dropped,
    /// The deadline passed.
    Deadline,
}

/// The error of a context that has ended: what, why, by which line, and where it was noticed.
///
/// It is one value for what Go splits into `Err` and `Cause`. It is one word, so that a `Result` of it costs those
/// next to nothing who hand it on, and a small allocation of who is told of the end, as is each clone. It is final:
/// every clone and every later reader of the same context says the same, except for
/// [`noticed_at`](Self::noticed_at), which is the receiver's own.
///
/// Its `Display` is `context cancelled` or `context deadline exceeded`; the cause is the
/// [`source`](Error::source) and is not repeated. [`report`](Self::report) tells the whole story.
///
/// # Examples
///
/// ```
/// use std::error::Error;
/// use ctx::{Context, Reason};
///
/// let scope = Context::background().with_cancel();
/// scope.cancel_with("client disconnected");
/// let cancelled = scope.err().unwrap();
/// assert_eq!(cancelled.reason(), Reason::Cancelled);
/// assert_eq!(cancelled.to_string(), "context cancelled");
/// assert_eq!(cancelled.source().unwrap().to_string(), "client disconnected");
/// ```
#[derive(Clone)]
pub struct Cancelled(Box<Told>);

/// What an error tells. Its receiver has it for himself, as it is he who noticed it where it says, and so no count is
/// shared.
#[derive(Clone)]
struct Told {
    end: End,
    noticed: Option<&'static Location<'static>>,
}

// Who awaits a call within a call gets this in a register: each level is to cost next to nothing.
const _: () = assert!(size_of::<Result<(), Cancelled>>() == size_of::<usize>());

impl Cancelled {
    /// Why the context ended.
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = ctx::Context::background().with_cancel();
    /// scope.cancel();
    /// assert_eq!(scope.err().unwrap().reason(), ctx::Reason::Cancelled);
    /// ```
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self.trigger() {
            Trigger::Call | Trigger::Dropped => Reason::Cancelled,
            Trigger::Deadline => Reason::DeadlineExceeded,
        }
    }

    /// Whether the reason is a deadline that passed.
    ///
    /// # Examples
    ///
    /// ```
    /// let late = ctx::Context::background().with_timeout(std::time::Duration::ZERO);
    /// assert!(late.err().unwrap().is_deadline_exceeded());
    /// ```
    #[must_use]
    pub fn is_deadline_exceeded(&self) -> bool {
        self.reason() == Reason::DeadlineExceeded
    }

    /// What the canceller, or the setter of the deadline, gave as the cause. The same as
    /// [`Error::source`].
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = ctx::Context::background().with_cancel();
    /// scope.cancel_with("quota used up");
    /// assert_eq!(scope.err().unwrap().cause().unwrap().to_string(), "quota used up");
    /// ```
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.0.end.story()?.cause.as_deref()
    }

    /// The cause, if it is an `E`.
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = ctx::Context::background().with_cancel();
    /// scope.cancel_with(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
    /// let cancelled = scope.err().unwrap();
    /// let cause = cancelled.cause_as::<std::io::Error>().unwrap();
    /// assert_eq!(cause.kind(), std::io::ErrorKind::BrokenPipe);
    /// ```
    #[must_use]
    pub fn cause_as<E: Error + 'static>(&self) -> Option<&E> {
        self.cause()?.downcast_ref()
    }

    /// The line that ended the context: the `cancel` call, or, for a deadline and for a scope that was
    /// dropped, the line that made it.
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = ctx::Context::background().with_cancel();
    /// let line = line!() + 1;
    /// scope.cancel();
    /// assert_eq!(scope.err().unwrap().cancelled_at().line(), line);
    /// ```
    #[must_use]
    pub fn cancelled_at(&self) -> &'static Location<'static> {
        self.0.end.at()
    }

    /// How the context ended.
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = ctx::Context::background().with_cancel();
    /// scope.cancel();
    /// assert_eq!(scope.err().unwrap().trigger(), ctx::Trigger::Call);
    /// ```
    #[must_use]
    pub fn trigger(&self) -> Trigger {
        self.0.end.trigger()
    }

    /// The `.await`, `run_until_cancelled` or `check()` that noticed it; `None` from `err()` and `done()`.
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = ctx::Context::background().with_cancel();
    /// scope.cancel();
    /// assert!(scope.err().unwrap().noticed_at().is_none());
    /// assert_eq!(scope.check().unwrap_err().noticed_at().unwrap().file(), file!());
    /// ```
    #[must_use]
    pub fn noticed_at(&self) -> Option<&'static Location<'static>> {
        self.0.noticed
    }

    /// The story in several lines, for people: who ended the context, where it was noticed, and why, with what led to
    /// that in turn.
    ///
    /// Lines that do not apply are left out; there is no line break at the end. Where a cause is another cancellation, it
    /// is followed by the line that made that one.
    ///
    /// # Examples
    ///
    /// ```
    /// let scope = ctx::Context::background().with_cancel();
    /// scope.cancel_with("client disconnected");
    /// let report = scope.err().unwrap().report().to_string();
    /// assert!(report.starts_with("context cancelled\n  by:       "));
    /// assert!(report.ends_with("\n  cause:    client disconnected"));
    /// ```
    #[must_use]
    pub fn report(&self) -> impl fmt::Display + '_ {
        Report(self)
    }

    /// The timeout that it was given, where a timeout has passed.
    pub(crate) fn after(&self) -> Option<Duration> {
        self.0.end.story().and_then(|it| it.after)
    }

    /// The error that tells of this end, and where it was noticed, if it was.
    #[inline]
    pub(crate) fn of(end: End, noticed: Option<&'static Location<'static>>) -> Self {
        Self(Box::new(Told { end, noticed }))
    }

    /// The same error, as a checkpoint at `at` hands it on.
    #[inline]
    pub(crate) fn noticed(mut self, at: &'static Location<'static>) -> Self {
        self.0.noticed = Some(at);
        self
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self.reason() {
            Reason::Cancelled => "context cancelled",
            Reason::DeadlineExceeded => "context deadline exceeded",
        })
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |at: &Location<'_>| at.to_string();
        f.debug_struct("Cancelled")
            .field("reason", &self.reason())
            .field("trigger", &self.trigger())
            .field("cancelled_at", &place(self.0.end.at()))
            .field("noticed_at", &self.0.noticed.map(place))
            .field(
                "cause",
                &self.0.end.story().and_then(|it| it.cause.as_ref()),
            )
            .finish_non_exhaustive()
    }
}

impl Error for Cancelled {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause().map(|cause| cause as &(dyn Error + 'static))
    }
}

/// `TimedOut` for a deadline and `Other` for a cancellation, with the whole error inside. Never
/// `Interrupted`, since the loops of std retry that one.
impl From<Cancelled> for io::Error {
    fn from(cancelled: Cancelled) -> Self {
        let kind = match cancelled.reason() {
            Reason::DeadlineExceeded => io::ErrorKind::TimedOut,
            Reason::Cancelled => io::ErrorKind::Other,
        };
        io::Error::new(kind, cancelled)
    }
}

/// How a function that was cancelled returns early: what `#[with_context]` calls at a checkpoint.
///
/// It is implemented for `Result<T, E>` where `E: From<Cancelled>` and for `Option<T>`; implement it for a
/// return type of your own.
///
/// # Examples
///
/// ```
/// use ctx::{Cancelled, FromCancelled};
///
/// #[derive(Debug, PartialEq)]
/// enum Answer { Found(u32), GaveUp }
///
/// impl FromCancelled for Answer {
///     fn from_cancelled(_: Cancelled) -> Self {
///         Answer::GaveUp
///     }
/// }
///
/// let scope = ctx::Context::background().with_cancel();
/// scope.cancel();
/// assert_eq!(Answer::from_cancelled(scope.err().unwrap()), Answer::GaveUp);
/// ```
#[diagnostic::on_unimplemented(
    message = "a cancellation cannot be returned as `{Self}`",
    label = "`#[with_context]` returns early from every `.await` in here",
    note = "return `Result<_, E>` where `E: From<ctx::Cancelled>`, or an `Option`, or write `#[with_context(checkpoints = none)]`"
)]
pub trait FromCancelled {
    /// The value that tells the caller of the cancellation.
    ///
    /// # Examples
    ///
    /// ```
    /// use ctx::{Cancelled, Context, FromCancelled};
    ///
    /// let scope = Context::background().with_cancel();
    /// scope.cancel();
    /// let early: Result<u32, Cancelled> = FromCancelled::from_cancelled(scope.err().unwrap());
    /// assert!(early.is_err());
    /// ```
    fn from_cancelled(cancelled: Cancelled) -> Self;

    /// What `#[with_context]` writes. One call costs the compiler less than two.
    #[doc(hidden)]
    #[must_use]
    fn __from_body(body: &Body<'_>) -> Self
    where
        Self: Sized,
    {
        Self::from_cancelled(body.gave_up())
    }
}

// Without this rustc would speak of `E: From<Cancelled>`, and our text above would not be shown.
#[diagnostic::do_not_recommend]
impl<T, E: From<Cancelled>> FromCancelled for Result<T, E> {
    fn from_cancelled(cancelled: Cancelled) -> Self {
        Err(cancelled.into())
    }
}

// The note above names it, and it is not what most want who see that.
#[diagnostic::do_not_recommend]
impl<T> FromCancelled for Option<T> {
    fn from_cancelled(_: Cancelled) -> Self {
        None
    }
}
