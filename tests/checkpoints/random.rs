//! C1 to C4 and C8 for trees of futures, contexts and schedules that nobody thought of.
//!
//! A case is a tape of numbers: it says which contexts are made, which futures are built on them, and
//! what happens to them. Every checkpoint is spied on, and whatever breaks a rule is a fault. What lies
//! after the end of the tape counts as zero, which stands for the simplest choice.

use super::helpers::{FreshWaker, Gate, ROOT, gated};
use crate::support::{Wakes, poll_pinned};
use ctx::{CancelScope, Canceller, Context};
use futures::{StreamExt, future::join_all, future::select, stream::FuturesUnordered};
use proptest::{
    collection::vec,
    prelude::any,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use std::{
    cell::RefCell,
    future::{Future, pending, poll_fn},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context as TaskContext, Poll, Waker},
    time::Duration,
};
use tokio::{
    task::{coop, yield_now},
    time,
};

ctx::ctx_value! { NUMBER: u8; }

type Local = Pin<Box<dyn Future<Output = ()>>>;
/// A checkpoint, which says whether it gave up.
type Guarded<'a> = Pin<Box<dyn Future<Output = bool> + 'a>>;

fn guarded<'a, F: Future + 'a>(
    checkpoint: F,
    gave_up: impl Fn(F::Output) -> bool + 'a,
) -> Guarded<'a> {
    let mut checkpoint = Box::pin(checkpoint);
    Box::pin(poll_fn(move |cx| {
        checkpoint.as_mut().poll(cx).map(&gave_up)
    }))
}

struct Tape(std::vec::IntoIter<u8>);

impl Tape {
    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.0.next().unwrap_or(0)) % limit
    }

    fn is_over(&self) -> bool {
        self.0.as_slice().is_empty()
    }
}

/// A context, and the ways up from it: whom it descends from, and whether through a shield.
struct Made {
    ctx: Context,
    scope: Option<CancelScope>,
    ups: Vec<(usize, bool)>,
}

/// What is known of one checkpoint.
struct Spied {
    ctx: usize,
    between: bool,
    /// Its future has been polled, and it is pending.
    waits: bool,
    /// It was ready or was dropped.
    gone: bool,
    /// The checkpoints that ever polled it; how many of these did before it started; and when it was polled last.
    met: Vec<usize>,
    met_before: usize,
    polled: u64,
}

/// A checkpoint at work.
struct Work {
    id: usize,
    since: u64,
    /// What its future said in this poll. What is dropped after that, the checkpoint drops.
    child: Option<Poll<()>>,
    /// Whether its future waits for another checkpoint on the same context or a derived one.
    answered: bool,
}

#[derive(Default)]
struct Log {
    contexts: Vec<Made>,
    spied: Vec<Spied>,
    work: Vec<Work>,
    clock: u64,
    faults: Vec<String>,
}

impl Log {
    /// Whether the context `from` descends from `to`, and if so, only through shields.
    fn descent(&self, from: usize, to: usize) -> Option<bool> {
        if from == to {
            return Some(false);
        }
        let ways = self.contexts[from].ups.iter();
        ways.filter_map(|&(up, shield)| Some(self.descent(up, to)? || shield))
            .min()
    }

    /// Whether `guard` keeps `outer` from giving up while it waits.
    fn is_guard(&self, guard: usize, outer: usize) -> bool {
        let (it, outer_spied) = (&self.spied[guard], &self.spied[outer]);
        let descent = self.descent(it.ctx, outer_spied.ctx);
        let since = it.met.get(it.met_before..).unwrap_or_default();
        match descent {
            Some(true) => it.met.contains(&outer),
            Some(false) => it.between && since.contains(&outer),
            None => false,
        }
    }

    fn waiting(&self) -> impl Iterator<Item = usize> {
        (0..self.spied.len()).filter(|&id| self.spied[id].waits && !self.spied[id].gone)
    }

    fn is_held(&self, id: usize) -> bool {
        self.waiting().any(|guard| self.is_guard(guard, id))
    }

    /// Whether one inside is to decide, which is held by a guard that need not have met this one.
    fn leaves_it_to_one_that_is_held(&self, id: usize) -> bool {
        self.waiting().any(|inner| {
            let it = &self.spied[inner];
            let answers = self.descent(it.ctx, self.spied[id].ctx) == Some(false);
            answers && it.met.contains(&id) && self.is_held(inner)
        })
    }

    fn expect(&mut self, rule: bool, fault: &str, id: usize) {
        if !rule {
            self.faults.push(format!("checkpoint {id} {fault}"));
        }
    }

    /// At rest, nobody waits who should have given up.
    fn expect_rest(&mut self) {
        for id in 0..self.spied.len() {
            let it = &self.spied[id];
            let ended = self.contexts[it.ctx].ctx.is_cancelled();
            if ended && it.waits && !it.gone && !it.between {
                let held = self.is_held(id) || self.leaves_it_to_one_that_is_held(id);
                self.expect(held, "was not woken (C8)", id);
            }
        }
    }
}

type Shared = Rc<RefCell<Log>>;

/// A checkpoint, watched from outside.
struct Outside<'a> {
    id: usize,
    log: Shared,
    checkpoint: Option<Guarded<'a>>,
    started_before: bool,
}

impl<'a> Outside<'a> {
    fn new(id: usize, log: Shared, checkpoint: Guarded<'a>) -> Self {
        Self {
            id,
            log,
            checkpoint: Some(checkpoint),
            started_before: false,
        }
    }
}

impl Future for Outside<'_> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<bool> {
        let (id, log) = (self.id, Rc::clone(&self.log));
        let ended = {
            let log = &mut *log.borrow_mut();
            log.clock += 1;
            let around: Vec<_> = log.work.iter().map(|it| it.id).collect();
            log.spied[id].met.extend(around);
            log.work.push(Work {
                id,
                since: log.clock,
                child: None,
                answered: false,
            });
            log.contexts[log.spied[id].ctx].ctx.is_cancelled()
        };
        let first = !self.started_before;
        let checkpoint = self
            .checkpoint
            .as_mut()
            .expect("it is there until it is dropped");
        let polled = checkpoint.as_mut().poll(cx);
        let log = &mut *log.borrow_mut();
        let work = log.work.pop().expect("its own");
        let between = log.spied[id].between;
        log.clock += 1;
        log.spied[id].polled = log.clock;
        log.spied[id].gone = polled.is_ready();
        let started = work.child.is_some();
        if started && !self.started_before {
            self.started_before = true;
            log.spied[id].met_before = log.spied[id].met.len() - log.work.len();
        }
        // A `between` call that the budget has stopped before it started holds nobody, nor those who had polled it by then.
        log.spied[id].waits = polled.is_pending() && (self.started_before || !between);
        log.expect(
            !(first && ended && started),
            "started on an ended context (C1)",
            id,
        );
        let ready = work.child == Some(Poll::Ready(()));
        log.expect(
            ready == (polled == Poll::Ready(false)),
            "lost a result (C2)",
            id,
        );
        if polled == Poll::Ready(true) {
            log.expect(!work.answered, "decided in place of an inner one (C3)", id);
            log.expect(!(between && started), "gave a `between` call up (M7)", id);
        }
        polled
    }
}

impl Drop for Outside<'_> {
    fn drop(&mut self) {
        let id = self.id;
        {
            let log = &mut *self.log.borrow_mut();
            let it = &log.spied[id];
            if it.waits && !it.gone {
                let resting = log
                    .work
                    .iter()
                    .filter(|it| it.child == Some(Poll::Pending))
                    .map(|it| it.id);
                let guarded = resting.into_iter().any(|outer| log.is_guard(id, outer));
                log.expect(!guarded, "was dropped in spite of its shield (C3)", id);
            }
            log.spied[id].gone = true;
        }
        // What is inside is dropped with the log free.
        self.checkpoint = None;
    }
}

/// The future of a checkpoint, watched from inside.
struct Inside {
    id: usize,
    log: Shared,
    child: Local,
}

impl Future for Inside {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let polled = self.child.as_mut().poll(cx);
        let log = &mut *self.log.borrow_mut();
        let since = log
            .work
            .last()
            .expect("it is polled by its checkpoint")
            .since;
        let ctx = log.spied[self.id].ctx;
        let answered = log.spied.iter().any(|it| {
            let answers = it.waits && !it.gone && !it.between && it.polled > since;
            answers && it.met.contains(&self.id) && log.descent(it.ctx, ctx) == Some(false)
        });
        let work = log.work.last_mut().expect("it is polled by its checkpoint");
        work.child = Some(polled);
        work.answered = answered;
        polled
    }
}

/// A place out of which the schedule takes a future, or into which it puts one.
#[derive(Clone, Default)]
struct Place(Rc<RefCell<Content>>);

#[derive(Default)]
struct Content {
    future: Option<Local>,
    /// The waker of whoever waits there.
    waker: Option<Waker>,
    closed: bool,
    /// Somebody polls the future that is otherwise here, and puts it back.
    busy: bool,
    /// The place in whose future this one is.
    around: Option<usize>,
}

impl Place {
    fn future(&self) -> Local {
        struct Close(Place);
        impl Drop for Close {
            fn drop(&mut self) {
                let future = {
                    let content = &mut *self.0.0.borrow_mut();
                    content.closed = true;
                    content.future.take()
                };
                drop(future);
            }
        }
        let open = Close(self.clone());
        Box::pin(poll_fn(move |cx| {
            let content = &open.0.0;
            content.borrow_mut().waker = Some(cx.waker().clone());
            let Some(future) = open.0.lend() else {
                return Poll::Pending;
            };
            open.0.poll(future, cx)
        }))
    }

    /// Takes the future out, to poll it.
    fn lend(&self) -> Option<Local> {
        let content = &mut *self.0.borrow_mut();
        let future = content.future.take();
        content.busy |= future.is_some();
        future
    }

    /// Polls the future that was lent, and takes it back. Where whoever waited here was dropped meanwhile, it
    /// was his, and is dropped too.
    fn poll(&self, mut future: Local, cx: &mut TaskContext<'_>) -> Poll<()> {
        let polled = future.as_mut().poll(cx);
        let closed = {
            let content = &mut *self.0.borrow_mut();
            content.busy = false;
            content.closed
        };
        if polled.is_pending() && !closed {
            self.0.borrow_mut().future = Some(future);
        }
        polled
    }

    /// Puts a future in, if somebody waits here with nothing in hand; else gives it back.
    fn put(&self, future: Local) -> Result<(), Local> {
        let content = &mut *self.0.borrow_mut();
        match &content.waker {
            Some(waker) if content.future.is_none() && !content.closed && !content.busy => {
                content.future = Some(future);
                waker.wake_by_ref();
                Ok(())
            }
            _ => Err(future),
        }
    }
}

/// All places, and the futures that were taken out of them and are in nobody's hands.
#[derive(Clone, Default)]
struct Places {
    all: Rc<RefCell<Vec<Place>>>,
    strays: Rc<RefCell<Vec<Local>>>,
}

impl Places {
    fn any(&self, number: usize) -> Option<Place> {
        let all = self.all.borrow();
        all.get(number % all.len().max(1)).cloned()
    }

    fn add(&self, around: Option<usize>) -> Place {
        let place = Place::default();
        place.0.borrow_mut().around = around;
        self.all.borrow_mut().push(place.clone());
        place
    }

    /// Takes a future out of its place. It goes to another one, or it is left over.
    fn shift(&self, [from, to, how]: [usize; 3]) -> Option<Local> {
        let all = self.all.borrow();
        let (from, to) = (from % all.len().max(1), to % all.len().max(1));
        let future = all.get(from)?.0.borrow_mut().future.take()?;
        let around = |at: &usize| all[*at].0.borrow().around;
        let inside_itself =
            std::iter::successors(Some(to), around).any(|at| around(&at) == Some(from));
        let outcome = if how == 0 || inside_itself {
            Err(future)
        } else {
            all[to].put(future)
        };
        for place in &*all {
            let around = &mut place.0.borrow_mut().around;
            if *around == Some(from) {
                *around = outcome.is_ok().then_some(to);
            }
        }
        outcome.err()
    }

    /// Takes a future out of its place in the middle of somebody's poll.
    fn meddle(&self, how: [usize; 4]) {
        let [drops, rest @ ..] = how;
        match self.shift(rest) {
            Some(future) if drops == 0 => drop(future),
            stray => self.strays.borrow_mut().extend(stray),
        }
    }

    /// Polls what is in somebody else's place, who is told if he is another.
    fn peek(&self, at: usize, cx: &mut TaskContext<'_>) {
        let is_awaited = |place: &Place| place.0.borrow().waker.is_some();
        let Some(place) = self.any(at).filter(is_awaited) else {
            return;
        };
        let Some(future) = place.lend() else { return };
        if place.poll(future, cx).is_ready() || place.0.borrow().closed {
            return;
        }
        let content = &*place.0.borrow();
        if let Some(waker) = content
            .waker
            .as_ref()
            .filter(|it| !it.will_wake(cx.waker()))
        {
            waker.wake_by_ref();
        }
    }
}

/// A task of the case.
struct Task {
    future: Local,
    wakes: Arc<Wakes>,
    seen: usize,
}

#[derive(Default)]
struct Case {
    log: Shared,
    places: Places,
    /// The place whose future is being built.
    around: Option<usize>,
    gates: Vec<Gate>,
    tasks: Vec<Task>,
    /// What decides how much budget the next polls have, and how many of them have little.
    frugal: (usize, usize),
}

impl Case {
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

    fn build(&mut self, tape: &mut Tape, depth: usize) -> Local {
        let leaf = depth == 0 || tape.is_over();
        match tape.below(if leaf { 6 } else { 22 }) {
            0 => Box::pin(pending()),
            1 => {
                let (gate, future) = gated();
                self.gates.push(gate);
                Box::pin(future)
            }
            2 => {
                let mut left = tape.below(3);
                let last = self.canceller(tape).filter(|_| tape.below(2) == 1);
                Box::pin(poll_fn(move |cx| {
                    if left == 0 {
                        // Cancels in the middle of everybody's poll.
                        last.as_ref().map(Canceller::cancel);
                        return Poll::Ready(());
                    }
                    left -= 1;
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }))
            }
            3 => self.places.add(self.around).future(),
            4 | 5 => self.build_meddler(tape),
            6..=11 => self.build_checkpoint(tape, depth),
            12 => {
                let place = self.places.add(self.around);
                let around = self.around.replace(self.places.all.borrow().len() - 1);
                let future = self.build(tape, depth - 1);
                self.around = around;
                place.0.borrow_mut().future = Some(future);
                place.future()
            }
            13 => Box::pin(FreshWaker::new(self.build(tape, depth - 1))),
            14 => {
                let (a, b) = (self.build(tape, depth - 1), self.build(tape, depth - 1));
                Box::pin(async move { drop(select(a, b).await) })
            }
            15 => {
                let all: Vec<_> = (0..=tape.below(3))
                    .map(|_| self.build(tape, depth - 1))
                    .collect();
                Box::pin(async move { drop(join_all(all).await) })
            }
            16..=20 => self.build_function(tape, depth),
            _ => {
                let all = (0..=tape.below(3)).map(|_| self.build(tape, depth - 1));
                let all: FuturesUnordered<_> = all.collect();
                Box::pin(all.for_each(|()| std::future::ready(())))
            }
        }
    }

    /// Somebody who takes what is not his, or polls it.
    fn build_meddler(&self, tape: &mut Tape) -> Local {
        let mut left = 1 + tape.below(3);
        let places = self.places.clone();
        let how = [2, 99, 99, 3].map(|limit| tape.below(limit));
        let peeks = tape.below(2) == 1;
        let stays = tape.below(2) == 1;
        Box::pin(poll_fn(move |cx| {
            if left == 0 {
                return Poll::Pending;
            }
            left -= 1;
            if peeks {
                places.peek(how[1], cx);
            } else if left == 0 {
                places.meddle(how);
            }
            if left == 0 && !stays {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }))
    }

    fn spy(&self, ctx: usize, between: bool) -> usize {
        let log = &mut *self.log.borrow_mut();
        log.spied.push(Spied {
            ctx,
            between,
            waits: false,
            gone: false,
            met: vec![],
            met_before: usize::MAX,
            polled: 0,
        });
        log.spied.len() - 1
    }

    /// An annotated function, whose awaits share a state.
    fn build_function(&mut self, tape: &mut Tape, depth: usize) -> Local {
        let ctx = tape.below(self.log.borrow().contexts.len());
        let mut awaits = Vec::new();
        for _ in 0..=tape.below(3) {
            let between = tape.below(5) == 4;
            let child = self.build(tape, depth - 1);
            let id = self.spy(ctx, between);
            let log = Rc::clone(&self.log);
            awaits.push((between, Inside { id, log, child }));
        }
        let context = self.log.borrow().contexts[ctx].ctx.clone();
        Box::pin(async move {
            let mut body = ctx::__private::Body::new(&context);
            for (between, inside) in awaits {
                let (id, log) = (inside.id, Rc::clone(&inside.log));
                let checkpoint = if between {
                    body.__between(inside).into_future()
                } else {
                    body.__race(inside).into_future()
                };
                let checkpoint = guarded(checkpoint, |it| it.is_none());
                if Outside::new(id, log, checkpoint).await {
                    break;
                }
            }
        })
    }

    fn build_checkpoint(&mut self, tape: &mut Tape, depth: usize) -> Local {
        let ctx = tape.below(self.log.borrow().contexts.len());
        let between = tape.below(5) == 4;
        let child = self.build(tape, depth - 1);
        let cleanup = (tape.below(3) == 2).then(|| self.build(tape, depth - 1));
        let id = self.spy(ctx, between);
        let context = self.log.borrow().contexts[ctx].ctx.clone();
        let log = Rc::clone(&self.log);
        let inside = Inside { id, log, child };
        let checkpoint: Guarded<'_> = if between {
            let checkpoint = ctx::__private::between(context, inside).into_future();
            guarded(checkpoint, |it| it.is_err())
        } else {
            guarded(context.run_until_cancelled_owned(inside), |it| it.is_err())
        };
        let outside = Outside::new(id, Rc::clone(&self.log), checkpoint);
        Box::pin(async move {
            let gave_up = outside.await;
            if let Some(cleanup) = cleanup.filter(|_| gave_up) {
                cleanup.await;
            }
        })
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
                    let task = &mut self.tasks[at];
                    task.seen = task.wakes.count();
                    if poll_pinned(task.future.as_mut(), &task.wakes).is_ready() {
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
        match tape.below(8) {
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
            7 if !self.gates.is_empty() => self.gates[tape.below(self.gates.len())].open(),
            _ => {}
        }
    }

    fn canceller(&self, tape: &mut Tape) -> Option<Canceller> {
        let log = self.log.borrow();
        let made = &log.contexts[tape.below(log.contexts.len())];
        made.scope.as_ref().map(CancelScope::canceller)
    }

    fn cancel(&self, tape: &mut Tape) {
        self.canceller(tape).as_ref().map(Canceller::cancel);
    }

    async fn run(mut self, mut tape: Tape) -> Vec<String> {
        self.make_contexts(&mut tape);
        self.frugal = (tape.below(256), tape.below(40));
        for _ in 0..=tape.below(2) {
            let future = self.build(&mut tape, 5);
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
        // Another poll for no reason sets nothing off.
        self.frugal.1 = 0;
        for at in 0..self.tasks.len() {
            yield_now().await;
            let task = &mut self.tasks[at];
            let still = poll_pinned(task.future.as_mut(), &task.wakes).is_pending();
            if !still || task.wakes.count() != task.seen {
                self.log
                    .borrow_mut()
                    .faults
                    .push("a task at rest was stirred up (C8)".to_owned());
            }
        }
        self.tasks.clear();
        let faults = &mut self.log.borrow_mut().faults;
        std::mem::take(faults)
    }
}

fn faults(tape: Vec<u8>) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let case = Case::default();
    runtime.block_on(case.run(Tape(tape.into_iter())))
}

/// `CTX_TAPE` runs one case again, `CTX_SEED` other ones, and `CTX_CASES` so many of them.
#[test]
fn c8_random_trees_keep_the_rules() {
    if let Ok(tape) = std::env::var("CTX_TAPE") {
        let numbers = tape.split(',').map(|it| it.trim().parse().expect("a byte"));
        let faults = faults(numbers.collect());
        assert!(faults.is_empty(), "{faults:?}");
        return;
    }
    let cases = std::env::var("CTX_CASES").map_or(1_500, |it| it.parse().expect("a number"));
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let rng = match std::env::var("CTX_SEED") {
        Ok(seed) => TestRng::from_seed(RngAlgorithm::ChaCha, &[seed.parse().expect("a byte"); 32]),
        Err(_) => TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&vec(any::<u8>(), 1..150), |tape| {
        let faults = faults(tape);
        proptest::prop_assert!(faults.is_empty(), "{faults:?}");
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
