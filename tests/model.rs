//! Random trees, in which everything happens at random, against a model of ten lines.
//!
//! The model looks at every context at every millisecond, parents first, and writes down what it sees.
//! The library looks only when it is asked, so that the two agree is rule D6 and much of T1 to T6, T12,
//! D1 to D3 and V1.

use crate::support::Polled;
use ctx::{CancelScope, Cancelled, Canceller, Context, Instant, Key, OnCancel, Trigger};
use proptest::{collection, prelude::*};
use std::{
    future::{Future, pending},
    panic::Location,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    runtime::Builder,
    task::yield_now,
    time::advance,
};

ctx::ctx_value! { RED: usize; GREEN: usize; BLUE: usize = 1_000_000; }
static KEYS: [&Key<usize>; 3] = [&RED, &GREEN, &BLUE];

/// One step. Numbers pick contexts and waiters, modulo how many there are.
#[derive(Clone, Debug)]
enum Step {
    WithCancel(usize),
    WithTimeout(usize, u64),
    WithTimeoutCause(usize, u64),
    WithDeadline(usize, u64),
    Merge(usize, usize),
    WithValue(usize, usize),
    WithoutCancel(usize),
    Clone(usize),
    Cancel(usize, bool),
    CancelFromAfar(usize, bool),
    Drop(usize),
    Detach(usize),
    Wait(usize, bool),
    StopWaiting(usize),
    OnCancel(usize),
    Stop(usize),
    Read(usize),
    Advance(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    use Step::*;
    let any = || 0..1000_usize;
    let soon = || 0..12_u64;
    collection::vec(
        prop_oneof![
            4 => any().prop_map(WithCancel),
            3 => (any(), soon()).prop_map(|(a, d)| WithTimeout(a, d)),
            3 => (any(), soon()).prop_map(|(a, d)| WithTimeoutCause(a, d)),
            2 => (any(), 0..40_u64).prop_map(|(a, d)| WithDeadline(a, d)),
            4 => (any(), any()).prop_map(|(a, b)| Merge(a, b)),
            2 => (any(), any()).prop_map(|(a, k)| WithValue(a, k)),
            1 => any().prop_map(WithoutCancel),
            1 => any().prop_map(Clone),
            2 => (any(), any::<bool>()).prop_map(|(a, c)| Cancel(a, c)),
            1 => (any(), any::<bool>()).prop_map(|(a, c)| CancelFromAfar(a, c)),
            2 => any().prop_map(Drop),
            2 => any().prop_map(Detach),
            3 => (any(), any::<bool>()).prop_map(|(a, c)| Wait(a, c)),
            1 => any().prop_map(StopWaiting),
            2 => any().prop_map(OnCancel),
            1 => any().prop_map(Stop),
            2 => any().prop_map(Read),
            3 => (0..4_u64).prop_map(Advance),
        ],
        1..80,
    )
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

/// What the model knows of a context.
#[derive(Clone)]
struct Model {
    parents: Vec<usize>,
    own_deadline: Option<(u64, End)>,
    deadline: Option<u64>,
    values: [Option<usize>; 3],
    made: &'static Location<'static>,
    end: Option<End>,
}

/// The model: who has ended at `now`, parents first.
fn look(models: &mut [Model], now: u64) {
    for index in 0..models.len() {
        let it = &models[index];
        let inherited = it.parents.iter().find_map(|parent| models[*parent].end.clone());
        let expired = it.own_deadline.clone().filter(|(at, _)| *at <= now).map(|(_, end)| end);
        let end = it.end.clone().or(inherited).or(expired);
        models[index].end = end;
    }
}

/// The real thing: a context and whatever its owner still holds.
enum Held {
    Scope(CancelScope),
    Context(Context),
    Dropped,
}

type Waiting = Polled<Pin<Box<dyn Future<Output = Cancelled>>>>;

struct World {
    start: Instant,
    now: u64,
    models: Vec<Model>,
    held: Vec<Held>,
    cancellers: Vec<Option<Canceller>>,
    waiters: Vec<Option<(usize, Waiting)>>,
    hooks: Vec<(usize, Option<OnCancel>, Arc<AtomicUsize>)>,
    causes: usize,
}

impl World {
    fn new() -> Self {
        let root = Model {
            parents: Vec::new(),
            own_deadline: None,
            deadline: None,
            values: [None, None, Some(1_000_000)],
            made: Location::caller(),
            end: None,
        };
        Self {
            start: Instant::now(),
            now: 0,
            models: vec![root],
            held: vec![Held::Context(Context::background())],
            cancellers: vec![None],
            waiters: Vec::new(),
            hooks: Vec::new(),
            causes: 0,
        }
    }

    /// A context that is still held, and its index.
    fn pick(&self, number: usize) -> (usize, Context) {
        let count = self.held.len();
        let from_here = (0..count).map(|step| (number + step) % count);
        from_here
            .filter_map(|index| match &self.held[index] {
                Held::Scope(scope) => Some((index, Context::clone(scope))),
                Held::Context(ctx) => Some((index, ctx.clone())),
                Held::Dropped => None,
            })
            .next()
            .unwrap_or((0, Context::background()))
    }

    fn next_cause(&mut self) -> String {
        self.causes += 1;
        format!("cause {}", self.causes)
    }

    /// Notes a context that was made from those with the numbers `parents`; the first gave the values.
    fn add(&mut self, parents: &[usize], held: Held, own: Option<(u64, Option<String>)>, at: &'static Location<'static>) {
        let inherited = parents.iter().filter_map(|it| self.models[*it].deadline);
        let deadline = inherited.chain(own.as_ref().map(|(at, _)| *at)).min();
        let own_deadline = own.map(|(when, cause)| {
            let trigger = Trigger::Deadline;
            (when, End { trigger, at, cause })
        });
        self.models.push(Model {
            parents: parents.to_vec(),
            own_deadline,
            deadline,
            values: self.models[parents[0]].values,
            made: at,
            end: None,
        });
        self.cancellers.push(match &held {
            Held::Scope(scope) => Some(scope.canceller()),
            Held::Context(_) | Held::Dropped => None,
        });
        self.held.push(held);
        look(&mut self.models, self.now);
    }

    /// Notes that somebody ends a context; whether he is the first.
    fn end(&mut self, index: usize, end: End) -> bool {
        let first = self.models[index].end.is_none();
        self.models[index].end.get_or_insert(end);
        look(&mut self.models, self.now);
        first
    }

    async fn take(&mut self, step: Step) {
        let before = here();
        match step {
            Step::WithCancel(of) => {
                let (of, ctx) = self.pick(of);
                let scope = ctx.with_cancel();
                self.add(&[of], Held::Scope(scope), None, after(before, 2));
            }
            _ => self.take_other(step).await,
        }
    }
}
