//! A context that ends when the process is asked to: the face of it; `hearing` does the work.

use crate::{
    context::Context,
    derive::{self, Made},
    hearing,
    node::How,
    scope::CancelScope,
};
use std::{error::Error, fmt, io, panic::Location};

/// The cause of a context that a signal ended: which signal it was.
///
/// Receivers find it in [`Cancelled::cause_as`](crate::Cancelled::cause_as), also on contexts further
/// down.
///
/// # Examples
///
/// ```
/// use ctx::{Cancelled, ShutdownSignal};
///
/// /// As shells count it: 128, and the number of the signal.
/// fn exit_code(cancelled: &Cancelled) -> u8 {
///     match cancelled.cause_as::<ShutdownSignal>() {
///         Some(ShutdownSignal::Interrupt) => 130,
///         Some(ShutdownSignal::Terminate) => 143,
///         _ => 1,
///     }
/// }
///
/// let scope = ctx::Context::background().with_cancel();
/// scope.cancel_with(ShutdownSignal::Interrupt); // as `with_shutdown_signal` does
/// assert_eq!(exit_code(&scope.err().unwrap()), 130);
/// ```
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ShutdownSignal {
    /// SIGINT, which a terminal sends for Ctrl-C; on Windows, Ctrl-C itself.
    Interrupt,
    /// SIGTERM, which `kill` and orchestrators send. Never on Windows.
    Terminate,
}

impl fmt::Display for ShutdownSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Interrupt if cfg!(windows) => "received Ctrl-C",
            Self::Interrupt => "received SIGINT",
            Self::Terminate => "received SIGTERM",
        })
    }
}

impl Error for ShutdownSignal {}

impl Context {
    /// A context below this one that ends when the process gets SIGINT or SIGTERM (Ctrl-C on Windows).
    ///
    /// The signal cancels it with the cause [`ShutdownSignal`]; `cancelled_at` is the line of this call.
    /// The first signal asks, the second one kills: a scope that lives on after its signal is cleaning
    /// up, and another signal then ends the process as if no handler were there, whatever the runtime is
    /// doing. A program that was killed so is seen to have died by that signal.
    ///
    /// - The first signal in the life of a scope is never deadly, also where the scope has ended by then
    ///   for another reason: it is taken for a request to do what is being done already.
    /// - One signal ends all such scopes that are alive, whichever of the two it is.
    /// - Once the last of them was dropped, a signal has its default effect again: it kills. (On Unix that
    ///   holds although tokio, which listens, never gives the signal back.) A scope that is made later
    ///   hears a first signal of its own.
    /// - A scope that was [detached](CancelScope::detach) hears for as long as somebody holds its context.
    ///
    /// So while it is in use this is the process's one policy for these two signals. Other code that
    /// listens to them, through tokio or signal-hook, hears them too, but does not keep the second one,
    /// or one after the last scope, from being deadly.
    ///
    /// A wrapper that passes on what the whole process group gets, as `timeout` and npm do, may so send two
    /// signals where one was meant; `timeout --foreground` sends one.
    ///
    /// It adds no task and no thread. The signal is brought by the runtime's own driver, so a
    /// current-thread runtime that is blocked hears the first one late; the second one does not wait.
    ///
    /// # Errors
    ///
    /// Outside a tokio runtime, and when the operating system refuses a handler.
    ///
    /// # Panics
    ///
    /// On Unix, inside a tokio runtime that was built without `enable_io`, as
    /// `tokio::signal::unix::signal` does.
    ///
    /// # Examples
    ///
    /// ```
    /// use ctx::{Cancelled, Context, ShutdownSignal, with_context};
    /// use std::time::Duration;
    ///
    /// #[with_context]
    /// async fn serve() -> Result<(), Cancelled> {
    ///     std::future::pending().await
    /// }
    ///
    /// #[with_context]
    /// async fn flush() -> Result<(), Cancelled> {
    ///     Ok(())
    /// }
    ///
    /// # #[cfg(not(unix))] fn main() {}
    /// # #[cfg(unix)]
    /// #[tokio::main]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let ctx = Context::background().with_shutdown_signal()?;
    ///     # signal_hook::low_level::raise(signal_hook::consts::SIGTERM)?;
    ///     let cancelled = serve(&ctx).await.unwrap_err(); // somebody types `kill` …
    ///     assert_eq!(cancelled.cause_as(), Some(&ShutdownSignal::Terminate));
    ///
    ///     // Cleaning up has a budget of its own. Whoever is in a hurry sends a second signal.
    ///     let cleanup = ctx.without_cancel();
    ///     let cleanup = cleanup.with_timeout(Duration::from_secs(10));
    ///     flush(&cleanup).await?;
    ///     Ok(())
    /// }
    /// ```
    #[track_caller]
    pub fn with_shutdown_signal(&self) -> io::Result<CancelScope> {
        let made = Made::new(How::Signal, Location::caller());
        let node = derive::bridge(self.node(), made);
        let seat = hearing::take_seat(&node)?;
        if let Some(bridge) = node.bridge() {
            bridge.hold(seat);
        }
        Ok(CancelScope::new(node))
    }
}
