//! A case: its contexts, its tasks, and what happens to them.

use super::{
    Tape,
    build::{DEPTH, expect_thrown},
    log::{Made, Shared},
    places::Places,
    spies::Local,
};
use crate::{
    checkpoints::helpers::{Gate, ROOT},
    support::{Wakes, poll_pinned},
};
use ctx::{CancelScope, Canceller, Context};
use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Poll,
    time::Duration,
};
use tokio::{
    task::{coop, yield_now},
    time,
};

ctx::ctx_value! { NUMBER: u8; }

/// A task of the case.
struct Task {
    future: Local,
    wakes: Arc<Wakes>,
    seen: usize,
}

impl Task {
    /// One that a thrower's panic comes through is over.
    fn poll(&mut self) -> Poll<()> {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            poll_pinned(self.future.as_mut(), &self.wakes)
        }));
        polled.unwrap_or_else(|panic| {
            expect_thrown(panic);
            Poll::Ready(())
        })
    }
}

#[derive(Default)]
pub(super) struct Case {
    pub(super) log: Shared,
    pub(super) places: Places,
    /// The place whose future is being built.
    pub(super) around: Option<usize>,
    /// Whether what is being built is to panic.
    pub(super) is_caught: bool,
    pub(super) gates: Vec<Gate>,
    tasks: Vec<Task>,
    /// What decides how much budget the next polls have, and how many of them have little.
    frugal: (usize, usize),
}

impl Case {
    pub(super) fn new(tells: bool) -> Self {
        let case = Self::default();
        case.log.borrow_mut().tells = tells;
        case
    }

    fn make_contexts(&mut self, tape: &mut Tape) {
        let log = &mut *self.log.borrow_mut();
        let root = ROOT.with_cancel();
        log.contexts.push(Made {
            ctx: root.clone(),
            scope: Some(root),
            ups: vec![],
        });
        for count in 1..=tape.below(7) {
            let up = tape.below(count);
            let above = &log.contexts[up].ctx;
            let mut ups = vec![(up, false)];
            let kind = tape.below(6);
            log.tell(format_args!("context {count} of kind {kind} below {up}"));
            let scope = match kind {
                0 | 1 => Some(above.with_cancel()),
                2 => Some(above.with_timeout(Duration::from_millis(1 + tape.below(50) as u64))),
                3 => {
                    let other = tape.below(count);
                    ups.push((other, false));
                    Some(above.merge(&log.contexts[other].ctx))
                }
                _ => None,
            };
            let layered = tape.below(3) == 2;
            let (ctx, ups) = match &scope {
                Some(scope) => (Context::clone(scope), ups),
                None if kind == 4 => (above.without_cancel(), vec![(up, true)]),
                // One that nothing can end, and that no other one answers for.
                None => (ROOT, vec![]),
            };
            let ctx = if layered {
                ctx.with_value(&NUMBER, 1)
            } else {
                ctx
            };
            log.contexts.push(Made { ctx, scope, ups });
        }
    }

    fn spawn(&mut self, future: Local) {
        let wakes = Wakes::new();
        // It has not been seen yet, and so it is polled.
        let seen = usize::MAX;
        self.tasks.push(Task {
            future,
            wakes,
            seen,
        });
    }

    /// Polls every task as long as it is woken.
    async fn rest(&mut self) {
        for _ in 0..200 {
            let mut busy = false;
            for stray in self.places.strays.take() {
                self.spawn(stray);
            }
            for at in (0..self.tasks.len()).rev() {
                // Who is without budget is woken by the runtime, which also gives a fresh one.
                yield_now().await;
                if self.tasks[at].seen != self.tasks[at].wakes.count() {
                    busy = true;
                    self.spends().await;
                    self.log.borrow().tell(format_args!("task {at}"));
                    let task = &mut self.tasks[at];
                    task.seen = task.wakes.count();
                    if task.poll().is_ready() {
                        drop(self.tasks.swap_remove(at));
                    }
                }
            }
            if !busy {
                return;
            }
        }
        self.log
            .borrow_mut()
            .faults
            .push("it spins (C8)".to_owned());
    }

    /// Leaves little of the budget to the next poll, if it is one of those that have little.
    async fn spends(&mut self) {
        let (state, left) = &mut self.frugal;
        if *left == 0 {
            return;
        }
        *left -= 1;
        *state = (*state * 181 + 97) % 4093;
        let spent = 128 - (*state >> 4) % 6;
        poll_fn(|cx| {
            for _ in 0..spent {
                match coop::poll_proceed(cx) {
                    Poll::Ready(budget) => budget.made_progress(),
                    Poll::Pending => break,
                }
            }
            Poll::Ready(())
        })
        .await;
    }

    fn move_something(&mut self, tape: &mut Tape) {
        let how = [99, 99, 3].map(|limit| tape.below(limit));
        let Some(future) = self.places.shift(how) else {
            return;
        };
        if tape.below(4) > 0 {
            self.spawn(future);
        }
    }

    async fn step(&mut self, tape: &mut Tape) {
        let tasks = self.tasks.len();
        let kind = tape.below(9);
        self.log.borrow().tell(format_args!("step {kind}"));
        match kind {
            0 | 1 => self.cancel(tape),
            2 => time::advance(Duration::from_millis(tape.below(20) as u64)).await,
            3 | 4 => self.move_something(tape),
            5 if tasks > 0 => self.tasks[tape.below(tasks)].seen = usize::MAX,
            6 if tasks > 0 => {
                // Another executor takes it up, and polls it.
                let task = &mut self.tasks[tape.below(tasks)];
                task.wakes = Wakes::new();
                task.seen = usize::MAX;
            }
            8 if tasks < 5 => {
                // Another task comes up, which may find futures in places.
                let future = self.build(tape, 2);
                self.spawn(future);
            }
            7 if !self.gates.is_empty() => self.gates[tape.below(self.gates.len())].open(),
            _ => {}
        }
    }

    pub(super) fn canceller(&self, tape: &mut Tape) -> Option<Canceller> {
        let log = self.log.borrow();
        let made = &log.contexts[tape.below(log.contexts.len())];
        made.scope.as_ref().map(CancelScope::canceller)
    }

    fn cancel(&self, tape: &mut Tape) {
        self.canceller(tape).as_ref().map(Canceller::cancel);
    }

    /// Whether a poll for no reason wakes a task. None is done by it, as it would have been woken for that.
    async fn is_stirred(&mut self) -> bool {
        let mut stirred = false;
        for at in (0..self.tasks.len()).rev() {
            yield_now().await;
            self.log.borrow().tell(format_args!("task {at} once more"));
            let task = &mut self.tasks[at];
            let polled = task.poll();
            stirred |= task.wakes.count() != task.seen;
            if polled.is_ready() {
                drop(self.tasks.swap_remove(at));
                let fault = "a task was ready and was not woken (C8)".to_owned();
                self.log.borrow_mut().faults.push(fault);
            }
        }
        stirred
    }

    pub(super) async fn run(mut self, mut tape: Tape) -> Vec<String> {
        self.make_contexts(&mut tape);
        self.frugal = (tape.below(256), tape.below(40));
        for _ in 0..=tape.below(2) {
            let future = self.build(&mut tape, DEPTH);
            self.spawn(future);
        }
        self.rest().await;
        let mut steps = 0;
        while !tape.is_over() && steps < 30 {
            steps += 1;
            self.step(&mut tape).await;
            if tape.below(3) < 2 {
                self.rest().await;
                self.log.borrow_mut().expect_rest();
            }
        }
        self.rest().await;
        let scopes = self.log.borrow().contexts.len();
        for at in 0..scopes {
            self.cancel(&mut Tape(vec![u8::try_from(at).unwrap()].into_iter()));
        }
        self.rest().await;
        self.log.borrow_mut().expect_rest();
        self.frugal.1 = 0;
        // One may look once more where nobody answers it any more, and is at rest then. One that is held, and polled
        // by turns, tells each of the two a few times that it is elsewhere.
        for _ in 0..if self.places.visited.get() { 20 } else { 1 } {
            self.is_stirred().await;
            self.rest().await;
        }
        if self.is_stirred().await {
            let fault = "a task at rest was stirred up (C8)".to_owned();
            self.log.borrow_mut().faults.push(fault);
        }
        self.tasks.clear();
        let faults = &mut self.log.borrow_mut().faults;
        std::mem::take(faults)
    }
}
