//! One row: who takes part, and what ours may cost.

use crate::{
    bound::{Bound, median},
    harness::Harness,
    report::{Figure, Role, Row},
    timed::Timed,
};
use std::time::Duration;

enum Source<'c> {
    /// Timed in rounds.
    Timed(Timed<'c>),
    /// A benchmark of the Go binary, which runs before and after the rounds.
    Go(&'static str),
    /// Counted, or measured elsewhere, in rounds of its own; empty if it could not be.
    Known(Vec<f64>),
}

struct Contender<'c> {
    name: &'static str,
    role: Role,
    source: Source<'c>,
}

#[must_use = "a row is measured by `measure`"]
pub(crate) struct Builder<'h, 'c> {
    harness: &'h mut Harness,
    theme: &'static str,
    title: &'static str,
    unit: &'static str,
    contenders: Vec<Contender<'c>>,
    bounds: Vec<Bound>,
    per: f64,
    heavy: bool,
    turns: u64,
}

/// Into how many rounds a sample is divided: each contender then runs for a few tenths of a millisecond at a
/// time, and a scheduler that takes the core away spoils few rounds.
const TURNS: u64 = 16;

impl<'h, 'c> Builder<'h, 'c> {
    pub(crate) fn new(harness: &'h mut Harness, theme: &'static str, title: &'static str) -> Self {
        Self {
            harness,
            theme,
            title,
            unit: "ns",
            contenders: Vec::new(),
            bounds: Vec::new(),
            per: 1.0,
            heavy: false,
            turns: TURNS,
        }
    }

    fn contender(mut self, name: &'static str, role: Role, source: Source<'c>) -> Self {
        self.contenders.push(Contender { name, role, source });
        self
    }

    /// Ours comes first.
    pub(crate) fn ours(self, timed: Timed<'c>) -> Self {
        assert!(self.contenders.is_empty(), "ours comes first");
        self.contender("ours", Role::Ours, Source::Timed(timed))
    }

    pub(crate) fn rival(self, name: &'static str, timed: Timed<'c>) -> Self {
        self.contender(name, Role::Rival, Source::Timed(timed))
    }

    pub(crate) fn floor(self, name: &'static str, timed: Timed<'c>) -> Self {
        self.contender(name, Role::Floor, Source::Timed(timed))
    }

    /// A benchmark in `benches/go`, which reports what one operation takes; the bounds call it by `name`.
    pub(crate) fn go(self, name: &'static str, benchmark: &'static str) -> Self {
        self.contender(name, Role::Rival, Source::Go(benchmark))
    }

    /// A figure that is not taken here. Ours comes first.
    pub(crate) fn known(self, name: &'static str, role: Role, value: Vec<f64>) -> Self {
        self.contender(name, role, Source::Known(value))
    }

    pub(crate) fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    pub(crate) fn bound(mut self, bound: Bound) -> Self {
        self.bounds.push(bound);
        self
    }

    /// One operation of each contender stands for so many.
    pub(crate) fn per(mut self, operations: u32) -> Self {
        self.per = f64::from(operations);
        self
    }

    /// One operation takes milliseconds, or its preparation does.
    pub(crate) fn heavy(mut self) -> Self {
        self.heavy = true;
        self
    }

    /// Threads are started in each round: one round for each sample, so that they meet.
    pub(crate) fn threads(mut self) -> Self {
        self.turns = 1;
        self
    }

    /// Runs it and adds it to the report.
    pub(crate) fn measure(mut self) {
        if !self.harness.wants(self.theme, self.title) {
            return;
        }
        let before = self.ask_go();
        let mut rounds = self.rounds();
        for (at, before) in before {
            let after = self.ask_go().into_iter().find(|it| it.0 == at);
            let both = [before, after.and_then(|it| it.1)];
            rounds[at].1 = median(both.into_iter().flatten().collect())
                .into_iter()
                .collect();
        }
        let bounds = self.bounds.iter().map(|it| it.judge(&rounds)).collect();
        let figures = self.contenders.iter().zip(rounds);
        let figures = figures.map(|(contender, (name, samples))| Figure {
            name: name.to_owned(),
            role: contender.role,
            value: median(samples),
        });
        let row = Row {
            theme: self.theme.to_owned(),
            title: self.title.to_owned(),
            unit: self.unit.to_owned(),
            figures: figures.collect(),
            bounds,
        };
        self.harness.report.rows.push(row);
    }

    fn ask_go(&self) -> Vec<(usize, Option<f64>)> {
        let go = |(at, contender): (usize, &Contender<'c>)| match contender.source {
            Source::Go(benchmark) => Some((at, self.harness.go(benchmark))),
            _ => None,
        };
        self.contenders.iter().enumerate().filter_map(go).collect()
    }

    /// What each contender took in each round, for one operation.
    fn rounds(&mut self) -> Vec<(&'static str, Vec<f64>)> {
        let mut series: Vec<_> = self
            .contenders
            .iter()
            .map(|it| (it.name, Vec::new()))
            .collect();
        let mut timed = Vec::new();
        for (at, contender) in self.contenders.iter_mut().enumerate() {
            match &mut contender.source {
                Source::Timed(timing) => timed.push((at, timing)),
                Source::Known(value) => series[at].1.append(value),
                Source::Go(_) => {}
            }
        }
        if timed.is_empty() {
            return series;
        }
        let mut taken: Vec<Vec<f64>> = vec![Vec::new(); timed.len()];
        let (count, turns, per) = (timed.len(), self.turns, self.per);
        let mut first = 0;
        let mut rounds_each = 1;
        let id = (self.theme, self.title);
        let samples = self.harness.sample(id, self.heavy, &mut |times| {
            rounds_each = times.min(turns);
            let mut ours = Duration::ZERO;
            for round in 0..rounds_each {
                // The first ones take what does not divide evenly.
                let share = times / rounds_each + u64::from(round < times % rounds_each);
                for turn in 0..count {
                    let it = (first + turn) % count;
                    let took = (timed[it].1)(share);
                    taken[it].push(nanoseconds(took, share) / per);
                    ours += if it == 0 { took } else { Duration::ZERO };
                }
                first += 1;
            }
            ours
        });
        let kept = samples * usize::try_from(rounds_each).expect("at most TURNS");
        for ((at, _), mut samples) in timed.into_iter().zip(taken) {
            // What came before the last samples was the warm-up.
            series[at].1 = samples.split_off(samples.len() - kept);
        }
        series
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures are for reading")]
fn nanoseconds(took: Duration, times: u64) -> f64 {
    took.as_nanos() as f64 / times as f64
}
