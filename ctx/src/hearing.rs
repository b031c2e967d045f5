//! Who hears the process's signals, and when a signal kills.
//!
//! ```text
//!   signal ──► handler, at once ──► DEADLY? the default action, and the process is gone
//!                 │                 else DEADLY := true, ASKED := true
//!                 └► tokio's driver, when it next runs ──► the ears' waker ──► every seat is told
//! ```
//!
//! A scope that hears has a *seat* until it is given up (bridge, 2). Two *ears*, one for each signal, serve
//! all of them: tokio's receivers, polled by a waker of ours, so there is no task and no thread (rule T11).
//!
//! 1. While no seat has been asked to go, and there is one, DEADLY is false: a signal asks. As soon as the
//!    signal is there, in the handler itself, DEADLY is true, and stays so until every seat that was there
//!    is gone. With no seat it is true. So the second signal needs no runtime in order to kill.
//! 2. `deadly` is what DEADLY should be by now. It is written only when that changes. So `false` is written
//!    only over a `true` under which every signal kills, and never over one that a handler wrote: no signal
//!    that asked is forgotten.
//! 3. ASKED says that a signal has come which nobody has noticed yet. Whoever has the desk next marks the
//!    seats that are there, and notes that the ears will bring that signal: it is *due*. A seat that is taken
//!    before they do is told as well: better too early than never.
//! 4. Where tokio's part of the handler was installed before ours, the ears may bring a signal whose handler
//!    has not come to our part yet, and must not find itself deadly there. Such a signal was not due, and
//!    then DEADLY is left to the handler, which is about to write it.
//! 5. Ears are there while some seat has not been told. They subscribe before DEADLY is first false, so
//!    a signal that does not kill is heard.
//!
//! **The lock.** The desk is held while the ears are polled and dropped, which is tokio's code and runs
//! none of others: the only waker that they know is ours, whose clone and drop do nothing else, and
//! without a budget a poll wakes nobody. tokio wakes it under no lock. Scopes are ended after the lock.

use crate::{
    error::cause_from,
    node::{Node, ScopeRef},
    signal::ShutdownSignal,
};
use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context as TaskContext, Wake, Waker},
};
use tokio::{runtime::Handle, task::coop::unconstrained};

struct Desk {
    seats: BTreeMap<u64, Hearer>,
    numbers: u64,
    ears: Option<Ears>,
    /// Whether our part of the handlers is installed; it never goes.
    installed: bool,
    /// Whether the ears will bring a signal whose handler has finished.
    due: bool,
    deadly: bool,
}

/// A scope in its seat.
struct Hearer {
    node: Weak<Node>,
    /// A signal came while it was here, so that the next one kills.
    asked: bool,
    /// The ears brought the signal, and the scope was cancelled.
    told: bool,
}

static DESK: Mutex<Desk> = Mutex::new(Desk {
    seats: BTreeMap::new(),
    numbers: 0,
    ears: None,
    installed: false,
    due: false,
    deadly: true,
});

fn desk() -> MutexGuard<'static, Desk> {
    // No foreign code runs under this lock, so there is no half-done change to fear.
    DESK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A scope's right to hear. Dropping it gives it up.
pub(crate) struct Seat {
    number: u64,
}

/// Lets a scope that has just been made hear the signals.
///
/// # Panics
///
/// On Unix, inside a runtime without `enable_io`.
pub(crate) fn take_seat(node: &Arc<Node>) -> io::Result<Seat> {
    if Handle::try_current().is_err() {
        return Err(io::Error::other(
            "with_shutdown_signal listens through a tokio runtime, and there is none here",
        ));
    }
    desk().install()?;
    let ears = Ears::open()?;
    let mut desk = desk();
    desk.notice();
    desk.numbers += 1;
    let number = desk.numbers;
    let hearer = Hearer {
        node: Arc::downgrade(node),
        asked: false,
        told: false,
    };
    desk.seats.insert(number, hearer);
    let spare = if desk.ears.is_none() {
        desk.ears.replace(ears)
    } else {
        Some(ears)
    };
    desk.decide();
    drop(desk);
    drop(spare);
    // The first poll, for whichever of the two has been heard meanwhile, and for the waker.
    Ears::KINDS.into_iter().for_each(listen);
    Ok(Seat { number })
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut desk = desk();
        desk.notice();
        let gone = desk.seats.remove(&self.number);
        let idle = desk.take_idle_ears();
        desk.decide();
        drop(desk);
        drop((gone, idle));
    }
}

impl Desk {
    /// Before tokio's part, if nobody has asked tokio for these signals yet: then ours is done before any ear
    /// can know (invariant 4).
    fn install(&mut self) -> io::Result<()> {
        if !self.installed {
            system::install()?;
            self.installed = true;
        }
        Ok(())
    }

    /// Marks the seats if a signal has come (invariant 3).
    fn notice(&mut self) {
        if system::take_asked() {
            self.due = true;
            for hearer in self.seats.values_mut() {
                hearer.asked = true;
            }
        }
    }

    /// Says whether the next signal kills (invariants 1 and 2).
    fn decide(&mut self) {
        let deadly = self.seats.is_empty() || self.seats.values().any(|hearer| hearer.asked);
        if self.deadly != deadly {
            self.deadly = deadly;
            system::set_deadly(deadly);
        }
    }

    /// The ears, if there is nobody to be told any more (invariant 5).
    fn take_idle_ears(&mut self) -> Option<Ears> {
        if self.seats.values().any(|hearer| !hearer.told) {
            return None;
        }
        self.ears.take()
    }

    /// Marks everybody as told, and returns those who were not yet.
    fn tell(&mut self) -> Vec<Weak<Node>> {
        let mut news = Vec::new();
        for hearer in self.seats.values_mut() {
            hearer.asked = true;
            if !std::mem::replace(&mut hearer.told, true) {
                news.push(Weak::clone(&hearer.node));
            }
        }
        news
    }
}

/// Polls one ear; if it has heard, everybody is told.
fn listen(kind: ShutdownSignal) {
    let mut desk = desk();
    let heard = desk.ears.as_mut().is_some_and(|ears| ears.poll(kind));
    if !heard {
        return;
    }
    if desk.seats.values().any(|hearer| hearer.told) {
        system::obey_second();
    }
    desk.notice();
    let news = desk.tell();
    let idle = desk.take_idle_ears();
    if std::mem::take(&mut desk.due) {
        desk.decide();
    } else {
        // The handler is about to write it (invariant 4).
        desk.deadly = true;
    }
    drop(desk);
    drop(idle);
    for node in news.iter().filter_map(Weak::upgrade) {
        if let Some(scope) = ScopeRef::of(&node) {
            scope.end_by_call(scope.own.at, Some(cause_from(kind)));
        }
    }
}

/// The receivers, in the order of [`Ears::KINDS`].
struct Ears([system::Receiver; Ears::KINDS.len()]);

impl Ears {
    #[cfg(unix)]
    const KINDS: [ShutdownSignal; 2] = [ShutdownSignal::Interrupt, ShutdownSignal::Terminate];
    #[cfg(windows)]
    const KINDS: [ShutdownSignal; 1] = [ShutdownSignal::Interrupt];

    fn open() -> io::Result<Self> {
        system::open().map(Self)
    }

    /// Whether this signal has come; if not, [`listen`] is called when it does.
    fn poll(&mut self, kind: ShutdownSignal) -> bool {
        let waker = Waker::from(Arc::new(Bell(kind)));
        let known = Self::KINDS.into_iter().zip(&mut self.0);
        let mut ears = known.filter(|(it, _)| *it == kind);
        ears.any(|(_, ear)| {
            let heard = pin!(unconstrained(poll_fn(|cx| ear.poll_recv(cx))));
            heard.poll(&mut TaskContext::from_waker(&waker)).is_ready()
        })
    }
}

/// The waker of one ear.
struct Bell(ShutdownSignal);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        listen(self.0);
    }
}

#[cfg(unix)]
mod system {
    use super::io;
    use signal_hook::{
        consts::{SIGINT, SIGTERM},
        flag,
    };
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub(super) type Receiver = Signal;

    /// Whether the next signal kills. Read and set by the handler.
    static DEADLY: AtomicBool = AtomicBool::new(true);
    /// Whether a signal has come that nobody has taken note of. Set by the handler.
    static ASKED: AtomicBool = AtomicBool::new(false);

    pub(super) fn open() -> io::Result<[Receiver; 2]> {
        Ok([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        ])
    }

    /// Installs the handlers, which run in this order. Doing it twice does no harm.
    pub(super) fn install() -> io::Result<()> {
        for number in [SIGINT, SIGTERM] {
            flag::register_conditional_default(number, &DEADLY)?;
            flag::register(number, &DEADLY)?;
            flag::register(number, &ASKED)?;
        }
        Ok(())
    }

    // Sequentially consistent, as the handlers' own accesses in `signal_hook::flag`, their partners: the
    // two flags are read and written in one order that all agree on.
    pub(super) fn set_deadly(deadly: bool) {
        DEADLY.store(deadly, Ordering::SeqCst);
    }

    pub(super) fn take_asked() -> bool {
        ASKED.swap(false, Ordering::SeqCst)
    }

    /// The handler has seen to it.
    pub(super) fn obey_second() {}
}

/// Windows gives a Ctrl-C that no receiver waits for to the default handler. So a second one kills by
/// itself once the ears are gone, and where they are there for a younger scope we do the same.
#[cfg(windows)]
mod system {
    use super::io;
    use tokio::signal::windows::{CtrlC, ctrl_c};

    pub(super) type Receiver = CtrlC;

    /// What the default handler exits with: `STATUS_CONTROL_C_EXIT`, 0xC000013A.
    const EXIT: i32 = -0x3FFF_FEC6;

    pub(super) fn open() -> io::Result<[Receiver; 1]> {
        Ok([ctrl_c()?])
    }

    #[expect(clippy::unnecessary_wraps, reason = "it can fail on Unix")]
    pub(super) fn install() -> io::Result<()> {
        Ok(())
    }

    pub(super) fn set_deadly(_: bool) {}

    pub(super) fn take_asked() -> bool {
        false
    }

    pub(super) fn obey_second() {
        std::process::exit(EXIT);
    }
}
