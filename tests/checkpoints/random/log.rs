//! What a case notes of its checkpoints, and the rules that it holds them to.

use ctx::{CancelScope, Context};
use std::{cell::RefCell, fmt::Display, rc::Rc, task::Poll};

/// A context, and the ways up from it: whom it descends from, and whether through a shield.
pub(super) struct Made {
    pub(super) ctx: Context,
    pub(super) scope: Option<CancelScope>,
    pub(super) ups: Vec<(usize, bool)>,
}

/// What is known of one checkpoint.
pub(super) struct Spied {
    pub(super) ctx: usize,
    pub(super) between: bool,
    /// Its future has been polled, and it is pending.
    pub(super) waits: bool,
    /// It was ready or was dropped.
    pub(super) gone: bool,
    /// The checkpoints that ever polled it; how many of these did before it started; and when it was polled last.
    pub(super) met: Vec<usize>,
    pub(super) met_before: usize,
    pub(super) polled: u64,
}

/// A checkpoint at work.
pub(super) struct Work {
    pub(super) id: usize,
    pub(super) since: u64,
    /// What its future said in this poll. What is dropped after that, the checkpoint drops.
    pub(super) child: Option<Poll<()>>,
    /// Whether its future waits for another checkpoint on the same context or a derived one.
    pub(super) answered: bool,
    /// Whether a guard that has met it was pending by then.
    pub(super) held: bool,
}

#[derive(Default)]
pub(super) struct Log {
    pub(super) contexts: Vec<Made>,
    pub(super) spied: Vec<Spied>,
    pub(super) work: Vec<Work>,
    pub(super) clock: u64,
    pub(super) faults: Vec<String>,
    /// Whether it prints what happens.
    pub(super) tells: bool,
}

impl Log {
    /// Whether the context `from` descends from `to`, and if so, only through shields.
    pub(super) fn descent(&self, from: usize, to: usize) -> Option<bool> {
        if from == to {
            return Some(false);
        }
        let ways = self.contexts[from].ups.iter();
        ways.filter_map(|&(up, shield)| Some(self.descent(up, to)? || shield))
            .min()
    }

    /// Whether `guard` keeps `outer` from giving up while it waits.
    pub(super) fn is_guard(&self, guard: usize, outer: usize) -> bool {
        let (it, outer_spied) = (&self.spied[guard], &self.spied[outer]);
        let descent = self.descent(it.ctx, outer_spied.ctx);
        let since = it.met.get(it.met_before..).unwrap_or_default();
        match descent {
            Some(true) => it.met.contains(&outer),
            Some(false) => it.between && since.contains(&outer),
            None => false,
        }
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = usize> {
        (0..self.spied.len()).filter(|&id| self.spied[id].waits && !self.spied[id].gone)
    }

    pub(super) fn is_held(&self, id: usize) -> bool {
        self.waiting().any(|guard| self.is_guard(guard, id))
    }

    /// Whether one inside is to decide, which is held by a guard that need not have met this one.
    pub(super) fn leaves_it_to_one_that_is_held(&self, id: usize) -> bool {
        self.waiting().any(|inner| {
            let it = &self.spied[inner];
            let answers = self.descent(it.ctx, self.spied[id].ctx) == Some(false);
            answers && it.met.contains(&id) && self.is_held(inner)
        })
    }

    pub(super) fn tell(&self, what: impl Display) {
        if self.tells {
            eprintln!("{what}");
        }
    }

    pub(super) fn expect(&mut self, rule: bool, fault: &str, id: usize) {
        if !rule {
            self.faults.push(format!("checkpoint {id} {fault}"));
        }
    }

    /// At rest, nobody waits who should have given up.
    pub(super) fn expect_rest(&mut self) {
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

pub(super) type Shared = Rc<RefCell<Log>>;
