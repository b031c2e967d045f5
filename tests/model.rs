//! Random trees, in which everything happens at random, against a model of ten lines.
//!
//! The model looks at every context after every step, parents first, and writes down what it sees. The
//! library looks only when it is asked. That the two agree is rule D6, and much of T1 to T6, T12, D1 to
//! D3, V1 and O1.

use crate::support::{Polled, Shuffle};
use ctx::{CancelScope, Cancelled, Canceller, Context, Instant, Key, OnCancel, Trigger};
use proptest::{
    collection,
    prelude::*,
    test_runner::{Config, RngSeed},
};
use std::{
    convert::Infallible,
    future::{Future, pending},
    panic::Location,
    pin::Pin,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};
use tokio::{runtime::Builder, task::yield_now, time::advance};

ctx::ctx_value! { RED: usize; GREEN: usize; BLUE: usize = 1_000_000; }
static KEYS: [&Key<usize>; 3] = [&RED, &GREEN, &BLUE];

/// One step. Numbers pick contexts, waiters and hooks, modulo how many there are; times are milliseconds.
#[derive(Clone, Debug)]
enum Step {
    Scope(usize, How),
    Merge(usize, usize),
    WithValue(usize, usize),
    WithoutCancel(usize),
    Clone(usize),
    Cancel {
        which: usize,
        caused: bool,
        from_afar: bool,
    },
    Drop(usize),
    Detach(usize),
    Wait(usize, bool),
    StopWaiting(usize),
    OnCancel(usize),
    Stop(usize),
    Read(usize),
    Advance(u64),
}

#[derive(Clone, Debug)]
enum How {
    Cancel,
    Timeout(u64, bool),
    /// From the start of the run, so that it may lie in the past.
    Deadline(u64, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let which = || 0..1000_usize;
    let how = prop_oneof![
        3 => Just(How::Cancel),
        3 => (0..12_u64, any::<bool>()).prop_map(|(after, caused)| How::Timeout(after, caused)),
        2 => (0..40_u64, any::<bool>()).prop_map(|(at, caused)| How::Deadline(at, caused)),
    ];
    let cancel = (which(), any::<bool>(), any::<bool>());
    let step = prop_oneof![
        8 => (which(), how).prop_map(|(of, how)| Step::Scope(of, how)),
        4 => (which(), which()).prop_map(|(a, b)| Step::Merge(a, b)),
        2 => (which(), which()).prop_map(|(of, key)| Step::WithValue(of, key)),
        1 => which().prop_map(Step::WithoutCancel),
        1 => which().prop_map(Step::Clone),
        3 => cancel.prop_map(|(which, caused, from_afar)| Step::Cancel { which, caused, from_afar }),
        2 => which().prop_map(Step::Drop),
        2 => which().prop_map(Step::Detach),
        3 => (which(), any::<bool>()).prop_map(|(of, checkpoint)| Step::Wait(of, checkpoint)),
        1 => which().prop_map(Step::StopWaiting),
        2 => which().prop_map(Step::OnCancel),
        1 => which().prop_map(Step::Stop),
        2 => which().prop_map(Step::Read),
        3 => (1..4_u64).prop_map(Step::Advance),
    ];
    collection::vec(step, 1..80)
}

/// All that can be told about an end.
#[derive(Clone, Debug, PartialEq)]
struct End {
    trigger: Trigger,
    at: &'static Location<'static>,
    cause: Option<String>,
}

impl End {
    fn of(cancelled: &Cancelled) -> Self {
        Self {
            trigger: cancelled.trigger(),
            at: cancelled.cancelled_at(),
            cause: cancelled.cause().map(ToString::to_string),
        }
    }
}

/// What the model knows of a context. `values` stand for the keys in order.
struct Model {
    parents: Vec<usize>,
    own_deadline: Option<(u64, End)>,
    deadline: Option<u64>,
    values: [Option<usize>; 3],
    made_at: &'static Location<'static>,
    end: Option<End>,
}

/// The model: who has ended by `now`. Parents come before their children.
fn look(models: &mut [Model], now: u64) {
    for index in 0..models.len() {
        let it = &models[index];
        let mut above = it
            .parents
            .iter()
            .filter_map(|parent| models[*parent].end.clone());
        let expired = it.own_deadline.iter().find(|(at, _)| *at <= now);
        let end = it.end.clone().or_else(|| above.next());
        models[index].end = end.or_else(|| expired.map(|(_, end)| end.clone()));
    }
}

/// The real thing: what somebody still holds of a context.
enum Held {
    Scope(CancelScope),
    Context(Context),
    Nothing,
}

type Waiting = Polled<Pin<Box<dyn Future<Output = Cancelled>>>>;

/// A callback that was registered, and what it has heard.
struct Registered {
    of: usize,
    hook: OnCancel,
    heard: Arc<Mutex<Vec<End>>>,
}

struct World {
    start: Instant,
    now: u64,
    steps: usize,
    models: Vec<Model>,
    held: Vec<Held>,
    cancellers: Vec<Option<Canceller>>,
    waiters: Vec<(usize, Waiting)>,
    hooks: Vec<Registered>,
}

/// Makes a scope, and says where.
#[track_caller]
fn make(
    ctx: &Context,
    start: Instant,
    how: &How,
    cause: String,
) -> (CancelScope, &'static Location<'static>) {
    let scope = match *how {
        How::Cancel => ctx.with_cancel(),
        How::Timeout(after, true) => ctx.with_timeout_cause(Duration::from_millis(after), cause),
        How::Timeout(after, false) => ctx.with_timeout(Duration::from_millis(after)),
        How::Deadline(at, true) => {
            ctx.with_deadline_cause(start + Duration::from_millis(at), cause)
        }
        How::Deadline(at, false) => ctx.with_deadline(start + Duration::from_millis(at)),
    };
    (scope, Location::caller())
}

#[track_caller]
fn merge(a: &Context, b: &Context) -> (CancelScope, &'static Location<'static>) {
    (a.merge(b), Location::caller())
}

/// Cancels, and says where and whether it did.
#[track_caller]
fn cancel(canceller: &Canceller, cause: Option<String>) -> (bool, &'static Location<'static>) {
    let won = match cause {
        Some(cause) => canceller.cancel_with(cause),
        None => canceller.cancel(),
    };
    (won, Location::caller())
}

/// Does the same at one of four places, so that places tell contexts from each other.
macro_rules! at_one_of_four_places {
    ($place:expr, $act:expr) => {
        match $place % 4 {
            0 => $act,
            1 => $act,
            2 => $act,
            _ => $act,
        }
    };
}

impl World {
    fn new() -> Self {
        let root = Model {
            parents: Vec::new(),
            own_deadline: None,
            deadline: None,
            values: [None, None, Some(1_000_000)],
            made_at: Location::caller(),
            end: None,
        };
        Self {
            start: Instant::now(),
            now: 0,
            steps: 0,
            models: vec![root],
            held: vec![Held::Context(Context::background())],
            cancellers: vec![None],
            waiters: Vec::new(),
            hooks: Vec::new(),
        }
    }

    fn context(&self, index: usize) -> Option<&Context> {
        match &self.held[index] {
            Held::Scope(scope) => Some(scope),
            Held::Context(ctx) => Some(ctx),
            Held::Nothing => None,
        }
    }

    /// A context that is still held, and its index. Background always is.
    fn pick(&self, number: usize) -> (usize, Context) {
        let count = self.held.len();
        let all = (0..count).map(|step| (number + step) % count);
        let mut held = all.filter_map(|index| Some((index, self.context(index)?.clone())));
        held.next().unwrap_or((0, Context::background()))
    }

    fn cause(&self) -> String {
        format!("cause {}", self.steps)
    }

    /// Notes a context below `parents`, the first of which gave it its values.
    fn add(&mut self, parents: &[usize], held: Held, made_at: &'static Location<'static>) {
        let deadlines = parents.iter().filter_map(|it| self.models[*it].deadline);
        // Every other scope can be cancelled from afar, which also keeps it alive.
        let canceller = match &held {
            Held::Scope(scope) if self.steps.is_multiple_of(2) => Some(scope.canceller()),
            _ => None,
        };
        self.models.push(Model {
            parents: parents.to_vec(),
            own_deadline: None,
            deadline: deadlines.min(),
            values: self.models[parents[0]].values,
            made_at,
            end: None,
        });
        self.held.push(held);
        self.cancellers.push(canceller);
    }

    /// Notes the deadline of the context that was added last.
    fn set_deadline(&mut self, how: &How) {
        let (at, caused) = match *how {
            How::Cancel => return,
            How::Timeout(after, caused) => (self.now + after, caused),
            How::Deadline(at, caused) => (at, caused),
        };
        let cause = caused.then(|| self.cause());
        let Some(model) = self.models.last_mut() else {
            return;
        };
        let (trigger, made_at) = (Trigger::Deadline, model.made_at);
        model.deadline = Some(model.deadline.map_or(at, |above| above.min(at)));
        model.own_deadline = Some((
            at,
            End {
                trigger,
                at: made_at,
                cause,
            },
        ));
    }

    /// Notes that somebody ends a context, unless it had ended; whether he did it.
    fn end(&mut self, index: usize, end: End) -> bool {
        let first = self.models[index].end.is_none();
        self.models[index].end.get_or_insert(end);
        first
    }

    fn derive(&mut self, step: Step) {
        let place = self.steps;
        match step {
            Step::Scope(of, how) => {
                let ((of, ctx), start, cause) = (self.pick(of), self.start, self.cause());
                let (scope, at) = at_one_of_four_places!(place, make(&ctx, start, &how, cause));
                self.add(&[of], Held::Scope(scope), at);
                self.set_deadline(&how);
            }
            Step::Merge(a, b) => {
                let ((a, a_ctx), (b, b_ctx)) = (self.pick(a), self.pick(b));
                let (scope, at) = at_one_of_four_places!(place, merge(&a_ctx, &b_ctx));
                self.add(&[a, b], Held::Scope(scope), at);
            }
            Step::WithValue(of, key) => {
                let (of, ctx) = self.pick(of);
                let key = key % KEYS.len();
                let ctx = ctx.with_value(KEYS[key], place);
                self.add(&[of], Held::Context(ctx), Location::caller());
                if let Some(model) = self.models.last_mut() {
                    model.values[key] = Some(place);
                }
            }
            Step::WithoutCancel(of) => {
                let (of, ctx) = self.pick(of);
                self.add(
                    &[of],
                    Held::Context(ctx.without_cancel()),
                    Location::caller(),
                );
                if let Some(model) = self.models.last_mut() {
                    (model.parents, model.deadline) = (Vec::new(), None);
                }
            }
            Step::Clone(of) => {
                let (of, ctx) = self.pick(of);
                self.add(&[of], Held::Context(ctx), Location::caller());
            }
            other => self.act(&other),
        }
    }

    fn act(&mut self, step: &Step) {
        let place = self.steps;
        match *step {
            Step::Cancel {
                which,
                caused,
                from_afar,
            } => {
                let index = which % self.held.len();
                let canceller = match &self.held[index] {
                    _ if from_afar => self.cancellers[index].clone(),
                    Held::Scope(scope) => Some(scope.canceller()),
                    Held::Context(_) | Held::Nothing => None,
                };
                let Some(canceller) = canceller else { return };
                let cause = caused.then(|| self.cause());
                let text = cause.clone();
                let (won, at) = at_one_of_four_places!(place, cancel(&canceller, text));
                let trigger = Trigger::Call;
                assert_eq!(won, self.end(index, End { trigger, at, cause }));
            }
            Step::Drop(which) => {
                let index = which % self.held.len();
                if let Held::Scope(_) = std::mem::replace(&mut self.held[index], Held::Nothing) {
                    let (trigger, at) = (Trigger::Dropped, self.models[index].made_at);
                    self.end(
                        index,
                        End {
                            trigger,
                            at,
                            cause: None,
                        },
                    );
                }
            }
            Step::Detach(which) => {
                let index = which % self.held.len();
                let held = std::mem::replace(&mut self.held[index], Held::Nothing);
                self.held[index] = match held {
                    Held::Scope(scope) => Held::Context(scope.detach()),
                    other => other,
                };
            }
            Step::Wait(of, checkpoint) => {
                let (of, ctx) = self.pick(of);
                self.wait(of, &ctx, checkpoint);
            }
            Step::StopWaiting(which) if !self.waiters.is_empty() => {
                drop(self.waiters.swap_remove(which % self.waiters.len()));
            }
            Step::OnCancel(of) => {
                let (of, ctx) = self.pick(of);
                let heard = Arc::new(Mutex::new(Vec::new()));
                let log = Arc::clone(&heard);
                let hook = ctx.on_cancel(move |it| log.lock().unwrap().push(End::of(&it)));
                self.hooks.push(Registered { of, hook, heard });
            }
            Step::Stop(which) if !self.hooks.is_empty() => {
                let Registered { of, hook, heard } =
                    self.hooks.swap_remove(which % self.hooks.len());
                assert_eq!(hook.stop(), self.models[of].end.is_none());
                assert_eq!(heard.lock().unwrap().first(), self.models[of].end.as_ref());
            }
            Step::Read(which) => self.compare(which % self.held.len()),
            _ => {}
        }
    }

    fn wait(&mut self, of: usize, ctx: &Context, checkpoint: bool) {
        let future: Pin<Box<dyn Future<Output = Cancelled>>> = if checkpoint {
            let run = ctx.run_until_cancelled_owned(pending::<Infallible>());
            Box::pin(async { run.await.unwrap_err() })
        } else {
            Box::pin(ctx.done_owned())
        };
        let mut waiting = Polled::new(future);
        match waiting.poll() {
            Poll::Ready(cancelled) => assert_eq!(Some(End::of(&cancelled)), self.models[of].end),
            Poll::Pending => {
                assert_eq!(self.models[of].end, None);
                self.waiters.push((of, waiting));
            }
        }
    }

    async fn take(&mut self, step: Step) {
        self.steps += 1;
        if let Step::Advance(by) = step {
            for _ in 0..by {
                self.now += 1;
                look(&mut self.models, self.now);
            }
            advance(Duration::from_millis(by)).await;
        } else {
            self.derive(step);
            look(&mut self.models, self.now);
        }
        // Each callback takes its runner one turn.
        for _ in 0..self.hooks.len() + 2 {
            yield_now().await;
        }
        self.hear();
    }

    /// Exactly those who wait on an ended context were woken, once; and callbacks ran.
    fn hear(&mut self) {
        for (of, waiting) in &mut self.waiters {
            let end = self.models[*of].end.as_ref();
            assert_eq!(
                waiting.woken(),
                usize::from(end.is_some()),
                "{of} ended by {end:?}"
            );
            if let Some(end) = end {
                assert_eq!(End::of(&waiting.ready()), *end);
            }
        }
        self.waiters
            .retain(|(of, _)| self.models[*of].end.is_none());
        for Registered { of, heard, .. } in &self.hooks {
            let expected: Vec<_> = self.models[*of].end.iter().cloned().collect();
            assert_eq!(*heard.lock().unwrap(), expected);
        }
    }

    fn compare(&self, index: usize) {
        let Some(ctx) = self.context(index) else {
            return;
        };
        let model = &self.models[index];
        assert_eq!(
            ctx.err().as_ref().map(End::of),
            model.end,
            "context {index}"
        );
        assert_eq!(ctx.is_cancelled(), model.end.is_some());
        assert_eq!(ctx.check().is_err(), model.end.is_some());
        let deadline = model
            .deadline
            .map(|at| self.start + Duration::from_millis(at));
        assert_eq!(ctx.deadline(), deadline);
        let left = model
            .deadline
            .map(|at| Duration::from_millis(at.saturating_sub(self.now)));
        assert_eq!(ctx.remaining(), left);
        assert_eq!(KEYS.map(|key| ctx.value(key).copied()), model.values);
    }

    fn finish(mut self, seed: u64) {
        let mut dice = Shuffle(seed | 1);
        let mut order: Vec<_> = (0..self.held.len()).collect();
        dice.shuffle(&mut order);
        for index in order {
            self.compare(index);
        }
        dice.shuffle(&mut self.waiters);
        let later = self.waiters.split_off(self.waiters.len() / 2);
        drop(self.waiters);
        dice.shuffle(&mut self.held);
        drop(self.held);
        drop(later);
    }
}

fn run(steps: Vec<Step>, seed: u64) {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut world = World::new();
        for step in steps {
            world.take(step).await;
        }
        world.finish(seed);
    });
}

proptest! {
    #![proptest_config(Config {
        cases: 400,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(2),
        ..Config::default()
    })]

    #[test]
    fn every_observable_of_a_random_tree_is_what_the_model_says(steps in steps(), seed: u64) {
        run(steps, seed);
    }
}
