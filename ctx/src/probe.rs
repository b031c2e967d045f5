//! Where tests listen: which checkpoints the work on a context passes, and the one that cancels it.
//!
//! With the feature `testing`, every checkpoint tells here when it starts, when it stays pending and when
//! it is dropped. While nobody listens that is one look at a counter.
//!
//! 1. A probe listens at one scope, its *root*. A checkpoint *passes* it when it starts on a context that
//!    ends with the root, on whatever task or thread. One below the root but behind a shield is only
//!    remembered, so that it can be named where a run hangs.
//! 2. A probe holds its root, so the address that it compares with is nobody else's.
//! 3. A checkpoint is known by its keeper's address, from its start to its drop: it is pinned meanwhile.
//! 4. A cancellation is delivered once, on the stack of the checkpoint that it is meant for, before that
//!    one looks at its context: so it starts nothing (rule C1), or gives up in this poll (rule C4). In the
//!    next poll its future might be ready, and a result wins (rule C2).
//! 5. The second half of a checkpoint is where its future stays pending and nobody inside answers for it:
//!    elsewhere the one inside has told of the same moment before (rule C3).
//!
//! Lock order: the list of probes, then what one has heard. Neither is held while the cancellation is
//! delivered, since that wakes.

use crate::{
    context::Context,
    descent::{Descent, descent},
    error::cause_from,
    few::Few,
    keeper::Keeper,
    lock::Lock,
    node::{Address, Kind, NO_LINE, address},
    testing::{Delivery, Heard, Place, Plan, Starting, TOO_MANY, Verdict},
};
use std::{
    cell::Cell,
    panic::Location,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicUsize, Ordering},
    },
    task::Waker,
};
use tokio::task::coop;

/// How many listen. Relaxed, wherever it is used: whoever works on a context that a probe listens at got
/// it from the thread that had counted that probe before, and so sees it counted.
static LISTENERS: AtomicUsize = AtomicUsize::new(0);

static PROBES: RwLock<Vec<Arc<Probe>>> = RwLock::new(Vec::new());

thread_local! {
    /// The checkpoints that were passed on this thread while anybody listened.
    static PASSED_HERE: Cell<usize> = const { Cell::new(0) };
}

/// The first half: `keeper` is about to start its future, or to refuse it; unless the budget is used up,
/// and it will be back.
#[inline]
pub(crate) fn starts(keeper: &Keeper, context: &Context, at: &'static Location<'static>) {
    if somebody_listens() && coop::has_budget_remaining() {
        pass(context, at, Some(keeper));
    }
}

/// The same for a checkpoint that is no more than a look.
#[inline]
pub(crate) fn checks(context: &Context, at: &'static Location<'static>) {
    if somebody_listens() {
        pass(context, at, None);
    }
}

/// The second half: the future of `keeper` stays pending, and nobody answers for it unless `answered`.
#[inline]
pub(crate) fn pends(keeper: &Keeper, answered: bool) {
    if somebody_listens() && !answered {
        let keeper = keeper.address();
        ask_all(|probe| probe.heard.lock().pend(keeper));
    }
}

/// `keeper` is dropped, and its future is gone.
#[inline]
pub(crate) fn goes(keeper: &Keeper) {
    if somebody_listens() {
        for probe in probes().iter() {
            probe.heard.lock().go(keeper.address());
        }
    }
}

#[inline]
pub(crate) fn somebody_listens() -> bool {
    LISTENERS.load(Ordering::Relaxed) > 0
}

#[cold]
fn pass(context: &Context, at: &'static Location<'static>, keeper: Option<&Keeper>) {
    let line = context.line();
    if !line.is_some_and(|line| matches!(line.kind, Kind::Shield)) {
        PASSED_HERE.set(PASSED_HERE.get() + 1);
    }
    let Some(line) = line else { return };
    let keeper = keeper.map(|keeper| (keeper.address(), keeper.mode));
    let stop = ask_all(|probe| match descent(line, probe.address) {
        None => Verdict::Nothing,
        Some(descent) => probe.heard.lock().start(Starting {
            at,
            counts: descent == Descent::Open,
            keeper,
        }),
    });
    // A loop that never yields can be left in no other way.
    assert!(
        !stop,
        "{TOO_MANY} checkpoints and no end, the last of them at {at}"
    );
}

/// Asks every probe, and cancels the roots of those that say so. Whether one has heard too much.
fn ask_all(ask: impl Fn(&Probe) -> Verdict) -> bool {
    let mut deliveries = Few::new();
    let mut stop = false;
    for probe in probes().iter() {
        match ask(probe) {
            Verdict::Nothing => {}
            Verdict::Cancel(what) => deliveries.push((Arc::clone(probe), what)),
            Verdict::Stop => stop = true,
        }
    }
    for (probe, what) in deliveries.take_all() {
        probe.cancel(what);
    }
    stop
}

fn probes() -> RwLockReadGuard<'static, Vec<Arc<Probe>>> {
    PROBES.read().unwrap_or_else(PoisonError::into_inner)
}

fn probes_mut() -> RwLockWriteGuard<'static, Vec<Arc<Probe>>> {
    PROBES.write().unwrap_or_else(PoisonError::into_inner)
}

/// Counts as a listener.
pub(crate) struct Listener(());

impl Listener {
    pub(crate) fn new() -> Self {
        LISTENERS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }

    /// The checkpoints that were passed on this thread while anybody listened.
    #[expect(clippy::unused_self, reason = "it counts only while somebody listens")]
    pub(crate) fn passed_here(&self) -> usize {
        PASSED_HERE.get()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        LISTENERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Who listens at one scope.
struct Probe {
    root: Context,
    /// Of the root.
    address: Address,
    heard: Lock<Heard>,
}

impl Probe {
    fn cancel(&self, what: Delivery) {
        let cause = format!("cancelled by a test at {}", what.place);
        if let Some(scope) = self.root.scope() {
            scope.end_by_call(what.by, Some(cause_from(cause)));
        }
        if let Some(waker) = what.to_wake {
            waker.wake();
        }
    }
}

/// A probe, listening until this is dropped.
pub(crate) struct Listening {
    probe: Arc<Probe>,
    _listener: Listener,
}

impl Listening {
    /// Listens at a scope. If it is `bounded`, work that never ends is stopped.
    pub(crate) fn at(root: &Context, plan: Option<Plan>, bounded: bool) -> Self {
        let listener = Listener::new();
        let probe = Arc::new(Probe {
            root: root.clone(),
            address: root.line().map_or(NO_LINE, address),
            heard: Lock::new(Heard::new(plan, bounded)),
        });
        probes_mut().push(Arc::clone(&probe));
        Self {
            probe,
            _listener: listener,
        }
    }

    /// Looks at what was heard, or changes it.
    pub(crate) fn heard<R>(&self, look: impl FnOnce(&mut Heard) -> R) -> R {
        look(&mut self.probe.heard.lock())
    }

    /// Where the cancellation was delivered, if it was.
    pub(crate) fn delivered(&self) -> Option<Place> {
        self.heard(|heard| heard.delivered)
    }

    /// Who is to hear of the delivery.
    pub(crate) fn wake_at_delivery(&self, waker: Waker) {
        let before = self.heard(|heard| heard.to_wake.replace(waker));
        drop(before);
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // The last handle of the probe is this one's own, so nothing foreign is dropped under the lock.
        probes_mut().retain(|it| !Arc::ptr_eq(it, &self.probe));
    }
}
