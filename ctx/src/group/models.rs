//! The races of a group, each played in every order that loom finds within the bound on preemptions.
//!
//! The workers are polled by hand, as the runtime's part in them is not ours to check. In each model every
//! task must be run or dropped, exactly one of the two, whatever the order: a task that stays in the queue
//! with no worker to come to it would be neither.

use super::{
    job::{Job, Task},
    team::Team,
    worker::Worker,
};
use crate::{
    Cancelled, Context, TaskFailed,
    sync::{AtomicUsize, Ordering},
};
use loom::thread;
use std::{
    future::Future,
    panic::Location,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Waker},
};

fn model(body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(3));
    builder.check(body);
}

#[derive(Debug, PartialEq)]
enum Fault {
    Own(usize),
    Stopped,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl From<Cancelled> for Fault {
    fn from(_: Cancelled) -> Self {
        Self::Stopped
    }
}

type Tested = Team<usize, Fault>;

/// What became of the tasks of one model.
#[derive(Default)]
struct Log {
    started: AtomicUsize,
    dropped: AtomicUsize,
}

impl Log {
    // Additions of nothing, since loom may give a plain load an older value.
    fn started(&self) -> usize {
        self.started.fetch_add(0, Ordering::SeqCst)
    }

    fn dropped(&self) -> usize {
        self.dropped.fetch_add(0, Ordering::SeqCst)
    }
}

/// Held by a task until it is dropped.
struct Held(Arc<Log>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// A task that ends at its first poll.
fn job(team: &Tested, log: &Arc<Log>, fails: bool) -> Job<usize, Fault> {
    let index = team.crew.next_index();
    let at = Location::caller();
    let held = Held(Arc::clone(log));
    Job::new(Task { index, at }, move |_| async move {
        held.0.started.fetch_add(1, Ordering::SeqCst);
        if fails {
            Err(Fault::Own(index))
        } else {
            Ok(index)
        }
    })
}

/// Adds a task, and gives the worker that is to be run if there is one.
fn add(team: &Arc<Tested>, log: &Arc<Log>, fails: bool) -> Option<Worker<usize, Fault>> {
    team.admit(job(team, log, fails))
}

/// Runs a worker to its end. Its tasks never wait, so one poll is enough.
fn run(worker: Option<Worker<usize, Fault>>) {
    if let Some(mut worker) = worker {
        let mut cx = TaskContext::from_waker(Waker::noop());
        assert!(Pin::new(&mut worker).poll(&mut cx).is_ready());
    }
}

fn team(limit: usize) -> (Context, Arc<Tested>, Arc<Log>) {
    let ctx = Context::background().with_cancel().detach();
    let team = Team::new(ctx.clone());
    assert!(team.crew.set_limit(limit));
    (ctx, team, Arc::default())
}

fn end(ctx: &Context) {
    let scope = ctx.scope().expect("a scope");
    scope.end_by_call(Location::caller(), None);
}

/// Nothing is at work and nothing waits; what was not started was dropped.
fn assert_idle(team: &Tested, log: &Log, tasks: usize) {
    assert_eq!(team.crew.counts(), (tasks, 0, 0));
    assert_eq!(log.dropped(), tasks);
    assert!(log.started() <= tasks);
}

fn verdict(team: &Tested) -> Result<Vec<usize>, Fault> {
    team.verdict(Location::caller())
}

#[test]
fn g2_a_task_that_is_spawned_while_the_last_worker_leaves_is_run() {
    model(|| {
        let (_ctx, team, log) = team(1);
        let worker = add(&team, &log, false);
        let other = thread::spawn(move || run(worker));
        run(add(&team, &log, false));
        other.join().unwrap();
        assert_idle(&team, &log, 2);
        assert_eq!(verdict(&team).unwrap(), [0, 1]);
    });
}

#[test]
fn g2_two_workers_share_a_queue_and_leave_nothing_in_it() {
    model(|| {
        let (_ctx, team, log) = team(2);
        let (first, second) = (add(&team, &log, false), add(&team, &log, false));
        assert!(add(&team, &log, false).is_none());
        let other = thread::spawn(move || run(first));
        run(second);
        other.join().unwrap();
        assert_idle(&team, &log, 3);
        assert_eq!(verdict(&team).unwrap(), [0, 1, 2]);
    });
}

#[test]
fn g1_g2_a_task_that_is_spawned_while_another_fails_is_run_or_dropped() {
    for limit in [1, 2] {
        model(move || {
            let (ctx, team, log) = team(limit);
            let worker = add(&team, &log, true);
            let other = thread::spawn(move || run(worker));
            let (ended, before) = (ctx.is_cancelled(), log.started());
            run(add(&team, &log, false));
            if ended {
                assert_eq!(log.started(), before, "whoever sees the end starts nothing");
            }
            other.join().unwrap();
            assert!(ctx.is_cancelled());
            assert_idle(&team, &log, 2);
            assert_eq!(verdict(&team), Err(Fault::Own(0)));
        });
    }
}

#[test]
fn g1_of_two_failures_one_is_both_the_cause_and_the_error() {
    model(|| {
        let (ctx, team, log) = team(2);
        let (first, second) = (add(&team, &log, true), add(&team, &log, true));
        let other = thread::spawn(move || run(first));
        run(second);
        other.join().unwrap();
        assert_idle(&team, &log, 2);
        let cancelled = ctx.err().unwrap();
        let index = cancelled.cause_as::<TaskFailed>().unwrap().index;
        assert_eq!(verdict(&team), Err(Fault::Own(index)));
    });
}

#[test]
fn g2_g4_a_queue_that_is_worked_off_while_the_context_ends_is_run_or_skipped() {
    model(|| {
        let (ctx, team, log) = team(1);
        let worker = add(&team, &log, false);
        assert!(add(&team, &log, false).is_none());
        let other = thread::spawn(move || run(worker));
        end(&ctx);
        // One that comes now finds the end, and starts nothing.
        let before = log.started();
        assert!(add(&team, &log, false).is_none());
        assert!(
            log.started() <= before + 1,
            "one start may have been on its way"
        );
        other.join().unwrap();
        assert_idle(&team, &log, 3);
        assert_eq!(verdict(&team), Err(Fault::Stopped));
    });
}

#[test]
fn g1_g4_a_failure_while_the_context_ends_is_still_the_error() {
    model(|| {
        let (ctx, team, log) = team(1);
        let worker = add(&team, &log, true);
        let other = thread::spawn(move || run(worker));
        end(&ctx);
        other.join().unwrap();
        assert_idle(&team, &log, 1);
        let expected = if log.started() == 1 {
            Fault::Own(0)
        } else {
            Fault::Stopped
        };
        assert_eq!(verdict(&team), Err(expected));
    });
}

#[test]
fn g3_a_group_that_is_dropped_while_a_worker_ends_its_task_leaves_nothing() {
    model(|| {
        let (ctx, team, log) = team(1);
        let worker = add(&team, &log, false);
        assert!(add(&team, &log, false).is_none());
        let other = thread::spawn(move || run(worker));
        // As the members are dropped: first the scope, then the queue.
        end(&ctx);
        team.close();
        assert_eq!(team.crew.counts().2, 0);
        other.join().unwrap();
        assert_idle(&team, &log, 2);
    });
}

#[test]
fn g3_a_worker_that_is_lost_while_a_task_is_spawned_strands_nothing() {
    model(|| {
        let (ctx, team, log) = team(1);
        let worker = add(&team, &log, false);
        let other = thread::spawn(move || drop(worker));
        run(add(&team, &log, false));
        other.join().unwrap();
        assert!(ctx.is_cancelled());
        assert_idle(&team, &log, 2);
        assert_eq!(verdict(&team), Err(Fault::Stopped));
    });
}

#[test]
fn a_blocking_task_that_outlives_the_verdict_harms_nobody() {
    for fails in [false, true] {
        model(move || {
            let (_ctx, team, log) = team(1);
            let task = job(&team, &log, false).task;
            let worker = add(&team, &log, false);
            let thread_s = Arc::clone(&team);
            let other = thread::spawn(move || {
                let context = thread_s.context.clone();
                thread_s.run_blocking(task, &context, |_| {
                    if fails { Err(Fault::Own(0)) } else { Ok(0) }
                });
            });
            drop(worker);
            let seen = verdict(&team);
            other.join().unwrap();
            match seen {
                Ok(results) => assert!(!fails && results == [0]),
                Err(Fault::Own(0)) => assert!(fails),
                Err(fault) => assert_eq!(fault, Fault::Stopped),
            }
        });
    }
}
