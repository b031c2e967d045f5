//! Bad input never panics, and foreign code may do what it likes: durations beyond all reason, cancels
//! from everywhere, and runtimes that are gone. Wakers are with T9 in `tree`.

use crate::support::{HOUR, Polled, asleep, cause, in_time, pass};
use ctx::{CancelScope, Canceller, Context, Instant, Trigger};
use futures::executor;
use std::{
    error::Error,
    fmt,
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};
use tokio::runtime::{Builder, Handle, Runtime};

ctx::ctx_value! {
    CANCELS: CancelsOnDrop;
    PANICS: PanicsOnDrop;
}

/// Cancels, reads and derives when it is dropped: a value, a cause, or what a callback has captured.
#[derive(Clone, Debug)]
struct CancelsOnDrop {
    canceller: Canceller,
    context: Context,
    drops: Arc<AtomicUsize>,
}

impl CancelsOnDrop {
    fn of(scope: &CancelScope) -> (Self, Arc<AtomicUsize>) {
        let drops = Arc::default();
        let value = Self {
            canceller: scope.canceller(),
            context: Context::clone(scope),
            drops: Arc::clone(&drops),
        };
        (value, drops)
    }
}

impl Drop for CancelsOnDrop {
    fn drop(&mut self) {
        drop(self.context.with_cancel().with_timeout(HOUR));
        self.canceller.cancel_with("from a drop");
        assert!(self.context.is_cancelled() && self.context.err().is_some());
        self.drops.fetch_add(1, Ordering::SeqCst);
    }
}

impl fmt::Display for CancelsOnDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancels on drop")
    }
}

impl Error for CancelsOnDrop {}

#[derive(Debug)]
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("a value's own panic");
    }
}

#[test]
fn a_value_may_cancel_when_it_is_dropped() {
    let root = Context::background().with_cancel();
    let (value, drops) = CancelsOnDrop::of(&root);
    let mut waiter = Polled::pending(root.done());
    let ctx = root
        .without_cancel()
        .with_value(&CANCELS, value)
        .with_cancel();
    let below = ctx.with_cancel();
    drop(ctx);
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    drop(below);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    assert_eq!(cause(&root), "from a drop");
    waiter.ready();
}

#[test]
fn a_cause_may_cancel_when_it_is_dropped() {
    let other = Context::background().with_cancel();
    let (as_cause, drops) = CancelsOnDrop::of(&other);
    let scope = Context::background().with_cancel();
    assert!(scope.cancel_with(as_cause));
    drop(scope);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    assert_eq!(cause(&other), "from a drop");
}

/// The cause of a call that came too late is dropped by that call, and cancels the same tree.
#[test]
fn a_cause_that_loses_may_use_the_tree_when_it_is_dropped() {
    let root = Context::background().with_cancel();
    let child = root.with_cancel();
    let (late, drops) = CancelsOnDrop::of(&root);
    child.cancel_with("first");
    assert!(!child.cancel_with(late));
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    assert_eq!(
        (cause(&child), cause(&root)),
        ("first".into(), "from a drop".into())
    );
}

/// An unused deadline's cause, and one that many contexts share.
#[test]
fn a_deadline_s_cause_may_use_the_tree_when_it_is_dropped() {
    let root = Context::background().with_cancel();
    let (used, drops) = CancelsOnDrop::of(&root);
    let scope = Context::background().with_timeout_cause(Duration::ZERO, used);
    let children: Vec<_> = (0..3).map(|_| scope.with_cancel()).collect();
    let errors: Vec<_> = children.iter().map(|it| it.err().unwrap()).collect();
    drop((scope, children));
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    drop(errors);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    let (unused, drops) = CancelsOnDrop::of(&root);
    drop(Context::background().with_timeout_cause(HOUR, unused));
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn what_a_callback_captured_may_cancel_when_it_is_dropped() {
    let scope = Context::background().with_cancel();
    let (captured, drops) = CancelsOnDrop::of(&scope);
    let hook = scope.on_cancel(move |_| drop(captured));
    assert!(hook.stop());
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    assert!(scope.is_cancelled());
}

#[test]
fn a_callback_may_use_the_tree_that_called_it() {
    let root = Context::background().with_cancel();
    let child = root.with_cancel();
    let (tell, told) = mpsc::channel();
    let (ctx, canceller) = (child.clone(), root.canceller());
    let hook = child.on_cancel(move |cancelled| {
        assert!(!canceller.cancel());
        assert!(ctx.with_cancel().is_cancelled());
        let inner = tell.clone();
        ctx.on_cancel(move |_| inner.send("inner").unwrap())
            .detach();
        tell.send("outer").unwrap();
        drop((ctx, cancelled));
    });
    root.cancel();
    assert_eq!(told.iter().collect::<Vec<_>>(), ["outer", "inner"]);
    assert!(!hook.stop());
}

#[test]
fn a_value_that_panics_when_it_is_dropped_harms_nobody_else() {
    let root = Context::background().with_cancel();
    let sibling = root.with_cancel();
    let mut waiter = Polled::pending(sibling.done());
    let below = root.with_value(&PANICS, PanicsOnDrop).with_cancel();
    let waiting = Polled::pending(below.done_owned());
    let dropped = catch_unwind(AssertUnwindSafe(|| drop((waiting, below))));
    assert!(dropped.is_err());
    assert!(root.cancel());
    assert_eq!(waiter.woken(), 1);
    waiter.ready();
}

/// The caller meets his own cause's panic, but those who waited have been woken by then.
#[test]
fn a_losing_cause_that_panics_when_it_is_dropped_does_not_keep_the_waiters_asleep() {
    #[derive(Debug)]
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("a cause's own panic");
        }
    }
    impl fmt::Display for Bad {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bad")
        }
    }
    impl Error for Bad {}

    let sleeping = asleep();
    let _inside = sleeping.enter();
    let scope = Context::background().with_timeout(HOUR);
    let mut waiter = Polled::pending(scope.done());
    pass(HOUR);
    assert!(scope.is_cancelled() && waiter.woken() == 0);
    assert!(catch_unwind(AssertUnwindSafe(|| scope.cancel_with(Bad))).is_err());
    assert_eq!(waiter.woken(), 1);
    waiter.ready();
}

#[test]
fn a_root_may_be_dropped_by_its_own_waker_and_callback() {
    let scope = Arc::new(Mutex::new(Some(Context::background().with_cancel())));
    let (tell, told) = mpsc::channel();
    let (canceller, hook) = {
        let held = scope.lock().unwrap();
        let its = held.as_ref().unwrap();
        let held = Arc::clone(&scope);
        let callback = move |_| {
            drop(held.lock().unwrap().take());
            tell.send(()).unwrap();
        };
        (its.canceller(), its.on_cancel(callback))
    };
    canceller.cancel();
    told.recv().unwrap();
    assert!(scope.lock().unwrap().is_none());
    hook.detach();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// A handle of a runtime that is gone.
fn dead() -> Handle {
    let runtime = runtime();
    runtime.handle().clone()
}

fn soon() -> CancelScope {
    Context::background().with_timeout_cause(Duration::from_millis(5), "soon")
}

#[test]
fn a_waiter_outlives_its_runtime() {
    let unbounded = Context::background().with_cancel();
    let (scope, [mut bounded, mut endless]) = in_time(|time| {
        let scope = Context::background().with_timeout(time);
        let waiters = [scope.done_owned(), unbounded.done_owned()];
        let home = runtime();
        let mut waiters = waiters.map(Polled::new);
        let polled = home.block_on(async { waiters.each_mut().map(Polled::poll) });
        assert!(polled[1].is_pending());
        polled[0].is_pending().then_some((scope, waiters))
    });
    assert!(!unbounded.is_cancelled());
    // Its runtime woke it when it went, or the timer thread will: either way it is polled again.
    if bounded.poll().is_pending() {
        assert!(scope.blocking_done().is_deadline_exceeded());
        bounded.ready();
    }
    unbounded.cancel();
    assert_eq!(endless.woken(), 1);
    endless.ready();
}

#[test]
fn a_waiter_whose_runtime_has_gone_is_woken_and_not_ended() {
    let scope = Context::background().with_timeout(HOUR);
    let home = runtime();
    let mut waiter = home.block_on(async { Polled::pending(scope.done_owned()) });
    drop(home);
    assert_eq!(waiter.woken(), 1, "or nobody would look for another timer");
    assert!(waiter.poll().is_pending() && !scope.is_cancelled());
}

#[test]
fn deadlines_are_waited_for_inside_a_dead_runtime() {
    let dead = dead();
    let _inside = dead.enter();
    let scope = soon();
    assert_eq!(
        executor::block_on(scope.done())
            .cause()
            .unwrap()
            .to_string(),
        "soon"
    );
    let checkpoint = soon();
    assert!(executor::block_on(checkpoint.run_until_cancelled(pending::<()>())).is_err());
    assert!(soon().detach().blocking_done().is_deadline_exceeded());
    assert!(
        dead.block_on(soon().detach().done_owned())
            .is_deadline_exceeded()
    );
}

/// The same timer, polled in its runtime before and after that has gone.
#[test]
fn a_timer_survives_its_runtime() {
    let (waiter, handle) = in_time(|time| {
        let scope = Context::background().with_timeout(time).detach();
        let home = runtime();
        let mut waiter = Box::pin(scope.done_owned());
        let polled = home.block_on(async { futures::poll!(waiter.as_mut()) });
        let handle = home.handle().clone();
        polled.is_pending().then_some((waiter, handle))
    });
    let _inside = handle.enter();
    assert!(executor::block_on(waiter).is_deadline_exceeded());
}

#[test]
fn a_callback_outlives_its_runtime() {
    for timed in [false, true] {
        let scope = if timed {
            soon()
        } else {
            Context::background().with_cancel()
        };
        let (tell, told) = mpsc::channel();
        let home = runtime();
        let hook = {
            let _inside = home.enter();
            scope.on_cancel(move |cancelled| {
                tell.send((thread::current().id(), cancelled.trigger()))
                    .unwrap();
            })
        };
        drop(home);
        if !timed {
            scope.cancel();
        }
        let (thread, trigger) = told.recv().unwrap();
        assert_ne!(thread, thread::current().id());
        assert_eq!(
            trigger,
            if timed {
                Trigger::Deadline
            } else {
                Trigger::Call
            }
        );
        assert!(!hook.stop());
    }
}

/// A dying runtime rings all its timers; none of them may take that for the deadline.
#[test]
fn a_dying_runtime_does_not_end_contexts_before_their_deadline() {
    let scope = Context::background().with_timeout(HOUR);
    let home = runtime();
    let hook = {
        let _inside = home.enter();
        scope.on_cancel(|_| ())
    };
    drop(home);
    assert!(!scope.is_cancelled(), "{:?}", scope.err());
    assert!(hook.stop());
}

#[test]
fn a_callback_registered_inside_a_dead_runtime_runs() {
    let dead = dead();
    let (tell, told) = mpsc::channel();
    for scope in [soon(), Context::background().with_cancel()] {
        let _inside = dead.enter();
        let tell = tell.clone();
        let hook = scope.on_cancel(move |_| tell.send(thread::current().id()).unwrap());
        if scope.deadline().is_none() {
            scope.cancel();
        }
        assert_ne!(told.recv().unwrap(), thread::current().id());
        drop(hook);
    }
}

/// Some have begun when their runtime goes, and the rest go on in a thread, in order.
#[test]
fn callbacks_go_on_where_their_runtime_left_off() {
    let scope = Context::background().with_cancel();
    let (tell, told) = mpsc::channel();
    let home = runtime();
    {
        let _inside = home.enter();
        for n in 0..10 {
            let tell = tell.clone();
            scope.on_cancel(move |_| tell.send(n).unwrap()).detach();
        }
    }
    drop(tell);
    scope.cancel();
    home.block_on(tokio::task::yield_now());
    drop(home);
    assert_eq!(told.iter().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
}

#[test]
fn absurd_durations_and_instants_are_accepted_everywhere() {
    let root = Context::background();
    let now = Instant::now();
    let mut instants = vec![now];
    for exponent in 0..64 {
        let step = Duration::from_secs(1 << exponent);
        instants.extend(now.checked_add(step));
        instants.extend(now.checked_sub(step));
    }
    for at in instants {
        let outer = root.with_deadline(at);
        let inner = outer.with_timeout(Duration::from_secs(1 << 40));
        let merged = inner.merge(&outer.with_deadline(now));
        assert_eq!(outer.is_cancelled(), at <= now);
        assert!(merged.is_cancelled());
        let left = inner.remaining().unwrap();
        assert!(left <= Duration::from_secs(1 << 40) && !format!("{merged:?}").is_empty());
    }
    for after in [
        Duration::from_nanos(1),
        Duration::from_secs(u64::MAX),
        Duration::MAX,
    ] {
        let scope = root.with_timeout(after);
        let report = root
            .with_timeout_cause(Duration::ZERO, "x")
            .err()
            .unwrap()
            .report()
            .to_string();
        assert!(!format!("{scope:?}{report}").is_empty());
    }
}
