//! What one probe has heard, and what it makes of it: it notes, and says when to cancel.
//!
//! All of it stands under the probe's lock, and calls nobody.

use super::place::{Half, Place};
use crate::keeper::Mode;
use std::{cmp::Reverse, collections::HashMap, panic::Location, task::Waker};

/// How many checkpoints are passed at most, where that is bounded.
pub(crate) const TOO_MANY: usize = 100_000;

/// Where to cancel.
pub(crate) struct Plan {
    /// Only checkpoints at this line count.
    pub(crate) only: Option<&'static Location<'static>>,
    /// At which of them: the next one is 1.
    pub(crate) nth: usize,
    pub(crate) half: Half,
    /// The line that the error will name as the canceller's.
    pub(crate) by: &'static Location<'static>,
}

/// A checkpoint that was passed.
#[derive(Clone, Copy)]
pub(crate) struct Pass {
    pub(crate) at: &'static Location<'static>,
    /// How often its line had been passed then, this time included.
    pub(crate) time: usize,
    /// Whether it was ever pending, so that it has a second half.
    pub(crate) pends: bool,
}

/// A checkpoint that starts.
#[derive(Clone, Copy)]
pub(crate) struct Starting {
    pub(crate) at: &'static Location<'static>,
    /// Whether its context ends with the root. Behind a shield it does not.
    pub(crate) counts: bool,
    /// What knows it again, and what it will do; `None` for a look.
    pub(crate) keeper: Option<(usize, Mode)>,
}

/// A checkpoint that has started and is not dropped yet.
struct AtWork {
    at: &'static Location<'static>,
    /// Its place among those that were passed, if it counts.
    pass: Option<usize>,
    mode: Mode,
    /// Whether it stayed pending, and nobody inside answered for it.
    waits: bool,
    /// How many signs there were before it.
    after: usize,
}

/// What is to be done about it.
pub(crate) enum Verdict {
    Nothing,
    Cancel(Delivery),
    /// More was heard than any work could need.
    Stop,
}

pub(crate) struct Delivery {
    pub(crate) place: Place,
    pub(crate) by: &'static Location<'static>,
    pub(crate) to_wake: Option<Waker>,
}

pub(crate) struct Heard {
    pub(crate) passed: Vec<Pass>,
    times: HashMap<&'static Location<'static>, usize>,
    at_work: HashMap<usize, AtWork>,
    plan: Option<Plan>,
    /// The checkpoint at whose second half the plan comes true.
    awaited: Option<usize>,
    pub(crate) delivered: Option<Place>,
    /// Whom the delivery concerns.
    pub(crate) to_wake: Option<Waker>,
    /// How many more may be passed; `None` if that is not bounded.
    left: Option<usize>,
    /// Grows with everything that is heard.
    pub(crate) signs: usize,
}

impl Heard {
    pub(crate) fn new(plan: Option<Plan>, bounded: bool) -> Self {
        Self {
            passed: Vec::new(),
            times: HashMap::new(),
            at_work: HashMap::new(),
            plan,
            awaited: None,
            delivered: None,
            to_wake: None,
            left: bounded.then_some(TOO_MANY),
            signs: 0,
        }
    }

    /// Whether more was heard than any work could need.
    pub(crate) fn is_too_much(&self) -> bool {
        self.left == Some(0)
    }

    /// Cancels there, and nowhere that was planned before.
    pub(crate) fn replan(&mut self, plan: Plan) {
        self.awaited = None;
        self.plan = Some(plan);
    }

    /// A checkpoint starts.
    pub(crate) fn start(&mut self, it: Starting) -> Verdict {
        let after = self.signs;
        self.signs += 1;
        let pass = it.counts.then(|| self.note(it.at));
        if let Some((keeper, mode)) = it.keeper {
            let at_work = AtWork {
                at: it.at,
                pass,
                mode,
                waits: false,
                after,
            };
            self.at_work.insert(keeper, at_work);
        }
        let Some(pass) = pass else {
            return Verdict::Nothing;
        };
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.is_too_much() {
            return Verdict::Stop;
        }
        match self.planned_half(it.at) {
            Some(Half::Start) => self.deliver(pass),
            Some(Half::Pending) => {
                self.awaited = it.keeper.map(|(keeper, _)| keeper);
                Verdict::Nothing
            }
            None => Verdict::Nothing,
        }
    }

    /// Notes that a checkpoint was passed; its place among them.
    fn note(&mut self, at: &'static Location<'static>) -> usize {
        let time = self.times.entry(at).or_insert(0);
        *time += 1;
        self.passed.push(Pass {
            at,
            time: *time,
            pends: false,
        });
        self.passed.len() - 1
    }

    /// Counts the plan down; which half of the checkpoint at `at` it is about, if it is that one.
    fn planned_half(&mut self, at: &'static Location<'static>) -> Option<Half> {
        let plan = self.plan.as_mut()?;
        if plan.nth == 0 || plan.only.is_some_and(|only| only != at) {
            return None;
        }
        plan.nth -= 1;
        (plan.nth == 0).then_some(plan.half)
    }

    /// A checkpoint stays pending, and nobody inside answers for it.
    pub(crate) fn pend(&mut self, keeper: usize) -> Verdict {
        let Some(at_work) = self.at_work.get_mut(&keeper) else {
            return Verdict::Nothing;
        };
        self.signs += 1;
        at_work.waits = true;
        let (Some(pass), Mode::Race) = (at_work.pass, at_work.mode) else {
            return Verdict::Nothing;
        };
        self.passed[pass].pends = true;
        if self.awaited == Some(keeper) {
            self.awaited = None;
            return self.deliver(pass);
        }
        Verdict::Nothing
    }

    /// A checkpoint is dropped. Its address may be another's next.
    pub(crate) fn go(&mut self, keeper: usize) {
        if self.at_work.remove(&keeper).is_some() && self.awaited == Some(keeper) {
            self.awaited = None;
        }
    }

    fn deliver(&mut self, pass: usize) -> Verdict {
        let Some(plan) = self.plan.take() else {
            return Verdict::Nothing;
        };
        let Pass { at, time, .. } = self.passed[pass];
        let half = plan.half;
        let place = Place { at, time, half };
        self.delivered = Some(place);
        Verdict::Cancel(Delivery {
            place,
            by: plan.by,
            to_wake: self.to_wake.take(),
        })
    }

    /// What was passed, once the run is over. Others may be at work still, on threads of their own; they have no
    /// place among what is passed from now on, and so are not known any more.
    pub(crate) fn take_passed(&mut self) -> Vec<Pass> {
        self.at_work.clear();
        std::mem::take(&mut self.passed)
    }

    /// The lines of the checkpoints that wait, the innermost first.
    pub(crate) fn waiting(&self) -> Vec<&'static Location<'static>> {
        let mut waiting: Vec<_> = self.at_work.values().filter(|it| it.waits).collect();
        waiting.sort_unstable_by_key(|it| Reverse(it.after));
        waiting.into_iter().map(|it| it.at).collect()
    }
}

#[cfg(all(test, not(ctx_loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_that_stays_pending_after_the_run_is_over_is_not_known() {
        let mut heard = Heard::new(None, true);
        let starting = Starting {
            at: Location::caller(),
            counts: true,
            keeper: Some((8, Mode::Race)),
        };
        heard.start(starting);
        assert_eq!(heard.take_passed().len(), 1);
        assert!(matches!(heard.pend(8), Verdict::Nothing));
        heard.go(8);
        assert!(heard.passed.is_empty());
    }
}
