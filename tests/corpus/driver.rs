//! Runs a scenario undisturbed, and then ends its context wherever it waits.
//!
//! Each run stands in a runtime of its own whose clock is paused, so nothing waits for real time. The
//! scenario is polled only when the waker of its last poll was woken: a lost wake-up is a run that does
//! not end, and the clock, which moves when nobody else does, ends such a run with a panic. When a run is
//! over, no task, no guard and no part of its tree may be left.

use super::app::AppError;
use crate::support::Shuffle;
use ctx::{CancelScope, Canceller, Context, Reason, ctx_value};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context as TaskContext, Poll, Wake, Waker},
    thread,
    time::Duration,
};
use tokio::{
    runtime::{Builder, Handle},
    time::{Instant, sleep, timeout},
};

ctx_value! {
    /// Every context of a run has it, so its count tells whether any is left.
    TREE: Arc<()>;
}

/// Longer than any scenario takes.
const PATIENCE: Duration = Duration::from_hours(1);
/// What a scenario may take to clean up after its context has ended.
const GRACE: Duration = Duration::from_secs(1);
/// How often it may be polled meanwhile.
const LAST_POLLS: usize = 100;
/// How often a scenario may be polled in all.
const POLLS: usize = 10_000;
/// The driver and the scenario each hold one counter.
const IDLE: usize = 2;
/// Runs that are cancelled at a random time.
const RANDOM_RUNS: usize = 20;

/// What a scenario is given.
pub(crate) struct Run {
    /// The context that ends.
    pub(crate) ctx: Context,
    pub(crate) live: Live,
}

/// Counts connections, calls and tasks.
#[derive(Clone, Default)]
pub(crate) struct Live(Arc<()>);

impl Live {
    pub(crate) fn guard(&self) -> Guard {
        Guard(Arc::clone(&self.0))
    }

    /// Whether nothing of the scenario is left but itself.
    pub(crate) fn is_idle(&self) -> bool {
        Arc::strong_count(&self.0) == IDLE
    }
}

/// One of those that are counted.
pub(crate) struct Guard(#[expect(dead_code, reason = "it is there to be dropped")] Arc<()>);

/// How a run is disturbed. A poll is named by its number, from one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Blow {
    Never,
    /// The context is cancelled as soon as that poll was pending.
    AfterPoll(usize),
    /// It is cancelled when the scenario was woken already, just before that poll.
    BeforePoll(usize),
    /// Its scope is dropped after that poll.
    ByDrop(usize),
    ByDeadline(Duration),
    /// Another task cancels it.
    ByTask(Duration),
    /// The scenario itself is dropped after that poll, and its context later.
    Abandoned(usize),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Wakers {
    /// One for the whole run, as a task has.
    One,
    /// A new one for each poll, as if the future moved from task to task.
    New,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) blow: Blow,
    pub(super) wakers: Wakers,
}

pub(super) struct Report<T> {
    output: Option<T>,
    polls: usize,
    took: Duration,
    struck: bool,
}

/// Asks that `scenario` gives `expected` when nobody disturbs it, and that it survives every blow. What
/// must hold however it ends, the scenario asserts itself.
#[expect(clippy::needless_pass_by_value, reason = "so that scenarios read well")]
pub(crate) fn survives<T: PartialEq + fmt::Debug>(
    expected: T,
    scenario: impl AsyncFn(Run) -> Result<T, AppError>,
) {
    for wakers in [Wakers::One, Wakers::New] {
        let blow = Blow::Never;
        let whole = run(Plan { blow, wakers }, &scenario);
        assert_eq!(whole.output.expect("it ended").expect("no error"), expected);
        assert!(whole.polls > 1, "a scenario that never waits shows nothing");
        let blows: [fn(usize) -> Blow; 4] = [
            Blow::AfterPoll,
            Blow::BeforePoll,
            Blow::ByDrop,
            Blow::Abandoned,
        ];
        for blow in blows {
            sweep(|n| {
                strike(
                    Plan {
                        blow: blow(n),
                        wakers,
                    },
                    &expected,
                    &scenario,
                )
            });
        }
        let mut random = Shuffle(0x5eed);
        let limit = usize::try_from(whole.took.as_millis()).expect("it is short") + 1;
        for n in 0..RANDOM_RUNS {
            let at = Duration::from_millis(u64::try_from(random.below(limit)).expect("64 bits"));
            let blow = if n % 2 == 0 {
                Blow::ByDeadline(at)
            } else {
                Blow::ByTask(at)
            };
            strike(Plan { blow, wakers }, &expected, &scenario);
        }
    }
}

/// Strikes at each poll, up to the first that is not reached any more.
fn sweep(mut strike: impl FnMut(usize) -> bool) {
    let mut polls = 1..POLLS;
    assert!(polls.any(|n| !strike(n)), "it is polled too often");
}

/// Whether the blow came before the end.
fn strike<T: PartialEq + fmt::Debug>(
    plan: Plan,
    expected: &T,
    scenario: &impl AsyncFn(Run) -> Result<T, AppError>,
) -> bool {
    let report = run(plan, scenario);
    let reason = match plan.blow {
        Blow::ByDeadline(_) => Reason::DeadlineExceeded,
        _ => Reason::Cancelled,
    };
    match report.output {
        Some(Ok(value)) => assert_eq!(value, *expected, "{plan:?}"),
        Some(Err(AppError::Stopped(cancelled))) => {
            assert_eq!(cancelled.reason(), reason, "{plan:?}");
            assert!(cancelled.cancelled_at().file().contains("driver.rs"));
            let noticed = cancelled.noticed_at();
            assert!(noticed.is_none_or(|at| at.file().contains("corpus")));
        }
        // The other side may hear of the end first, and hang up.
        Some(Err(AppError::Closed)) => assert!(report.struck, "{plan:?}"),
        Some(Err(error)) => panic!("{error:?} is no cancellation ({plan:?})"),
        None => assert!(matches!(plan.blow, Blow::Abandoned(_))),
    }
    report.struck
}

pub(super) fn run<T>(plan: Plan, scenario: &impl AsyncFn(Run) -> T) -> Report<T> {
    let _told = Told(plan);
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let (live, tree) = (Live::default(), Arc::new(()));
    let report = runtime.block_on(async {
        let root = Context::background().with_value(&TREE, Arc::clone(&tree));
        let scope = match plan.blow {
            Blow::ByDeadline(after) => root.with_timeout(after),
            _ => root.with_cancel(),
        };
        let ctx = match plan.wakers {
            Wakers::One => scope.clone(),
            Wakers::New => scope.with_cancel().detach(),
        };
        let live = live.clone();
        let report = drive(plan, scope, scenario(Run { ctx, live })).await;
        settle().await;
        report
    });
    // It waits for the threads of `spawn_blocking`.
    drop(runtime);
    assert_eq!(Arc::strong_count(&live.0), 1, "guards are left");
    assert_eq!(Arc::strong_count(&tree), 1, "contexts are left");
    report
}

async fn drive<F: Future>(plan: Plan, scope: CancelScope, future: F) -> Report<F::Output> {
    let start = Instant::now();
    let strikes_at = match plan.blow {
        Blow::ByDeadline(after) | Blow::ByTask(after) => Some(start + after),
        _ => None,
    };
    let other = match plan.blow {
        Blow::ByTask(after) => Some(tokio::spawn(cancel_in(after, scope.canceller()))),
        _ => None,
    };
    let mut drive = Drive {
        future: Box::pin(future),
        turn: None,
        plan,
        scope: Some(scope),
        polls: 0,
        struck: None,
    };
    let Ok(output) = timeout(PATIENCE, &mut drive).await else {
        panic!("it hangs after {} polls", drive.polls);
    };
    let end = Instant::now();
    let struck = strikes_at
        .filter(|at| *at <= end)
        .or(drive.struck.map(|(_, at)| at));
    let late = struck.map_or(Duration::ZERO, |at| end - at);
    assert!(late <= GRACE, "it went on for {late:?}");
    if let Some(other) = other {
        other.abort();
    }
    Report {
        output,
        polls: drive.polls,
        took: end - start,
        struck: struck.is_some(),
    }
}

async fn cancel_in(after: Duration, canceller: Canceller) {
    sleep(after).await;
    canceller.cancel();
}

/// Waits until the tasks of the runtime have ended.
async fn settle() {
    let metrics = Handle::current().metrics();
    let start = Instant::now();
    while metrics.num_alive_tasks() > 0 {
        assert!(start.elapsed() < GRACE, "tasks are left");
        sleep(Duration::from_millis(1)).await;
    }
}

/// Polls a scenario when it is woken, and strikes as planned.
struct Drive<F> {
    future: Pin<Box<F>>,
    turn: Option<Arc<Turn>>,
    plan: Plan,
    scope: Option<CancelScope>,
    polls: usize,
    struck: Option<(usize, Instant)>,
}

impl<F> Drive<F> {
    fn strike(&mut self) {
        self.struck = Some((self.polls, Instant::now()));
        match self.plan.blow {
            Blow::ByDrop(_) => self.scope = None,
            _ => drop(self.scope.as_ref().map(|scope| scope.cancel())),
        }
    }

    fn waker(&mut self, cx: &TaskContext<'_>) -> Waker {
        let turn = match (&self.turn, self.plan.wakers) {
            (Some(turn), Wakers::One) => Arc::clone(turn),
            _ => Turn::new(cx.waker().clone()),
        };
        self.turn = Some(Arc::clone(&turn));
        Waker::from(turn)
    }
}

impl<F: Future> Future for Drive<F> {
    /// `None` if the scenario was dropped.
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.turn.as_ref().is_some_and(|turn| !turn.take()) {
            return Poll::Pending;
        }
        if matches!(this.plan.blow, Blow::BeforePoll(n) if n == this.polls + 1) {
            this.strike();
        }
        this.polls += 1;
        assert!(this.polls < POLLS, "it is polled too often");
        let last = this.struck.map_or(0, |(polls, _)| this.polls - polls);
        assert!(last <= LAST_POLLS, "it goes on after its end");
        let waker = this.waker(cx);
        if let Poll::Ready(output) = this
            .future
            .as_mut()
            .poll(&mut TaskContext::from_waker(&waker))
        {
            return Poll::Ready(Some(output));
        }
        match this.plan.blow {
            Blow::AfterPoll(n) | Blow::ByDrop(n) if n == this.polls => this.strike(),
            Blow::Abandoned(n) if n == this.polls => {
                this.struck = Some((n, Instant::now()));
                return Poll::Ready(None);
            }
            _ => {}
        }
        Poll::Pending
    }
}

/// The waker of one poll, or of all.
struct Turn {
    woken: AtomicBool,
    driver: Waker,
}

impl Turn {
    fn new(driver: Waker) -> Arc<Self> {
        let woken = AtomicBool::new(false);
        Arc::new(Self { woken, driver })
    }

    fn take(&self) -> bool {
        self.woken.swap(false, Ordering::SeqCst)
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.driver.wake_by_ref();
    }
}

/// Says which run it was that panicked.
struct Told(Plan);

impl Drop for Told {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("in the run with {:?}", self.0);
        }
    }
}
