//! How a point is measured: every contender in turn, and of each the median of its rounds.
//!
//! criterion takes at least ten samples of everything, and a million of contexts takes seconds to prepare;
//! so the points are sampled here, with as many rounds as a size has time for.

use crate::{
    go::Go,
    report::{Panel, Report, Series, Who},
    timed::Timed,
};
use std::time::{Duration, Instant};

/// A contender at one size.
type Make<'a> = Box<dyn FnMut(u32) -> Timed<'a> + 'a>;

enum Source<'a> {
    Here(Make<'a>),
    /// A benchmark of the Go binary, with sizes up to this one.
    Go(&'static str, u32),
}

pub(crate) struct Sampler {
    filter: Vec<String>,
    /// How long a point may take.
    time: Duration,
    largest: u32,
    go: Option<Go>,
    pub(crate) report: Report,
}

impl Sampler {
    pub(crate) fn new(filter: Vec<String>, quick: bool) -> Self {
        let (millis, largest) = if quick { (10, 1_000) } else { (250, u32::MAX) };
        Self {
            filter,
            time: Duration::from_millis(millis),
            largest,
            go: if quick {
                Go::found("1x", 1)
            } else {
                Go::found("20ms", 3)
            },
            report: Report { panels: Vec::new() },
        }
    }

    /// Starts a panel; [`Asking::at`] ends it.
    pub(crate) fn panel<'a>(&mut self, title: &'static str, sizes: &'static str) -> Asking<'_, 'a> {
        Asking {
            sampler: self,
            title,
            sizes,
            contenders: Vec::new(),
        }
    }
}

#[must_use = "a panel is measured by `at`"]
pub(crate) struct Asking<'s, 'a> {
    sampler: &'s mut Sampler,
    title: &'static str,
    sizes: &'static str,
    contenders: Vec<(&'static str, Who, Source<'a>)>,
}

impl<'a> Asking<'_, 'a> {
    pub(crate) fn ours(self, make: impl FnMut(u32) -> Timed<'a> + 'a) -> Self {
        self.here("ctx", Who::Ours, make)
    }

    pub(crate) fn here(
        mut self,
        name: &'static str,
        who: Who,
        make: impl FnMut(u32) -> Timed<'a> + 'a,
    ) -> Self {
        let source = Source::Here(Box::new(make));
        self.contenders.push((name, who, source));
        self
    }

    /// `benchmark` takes a size after a slash.
    pub(crate) fn go(mut self, name: &'static str, benchmark: &'static str, largest: u32) -> Self {
        let source = Source::Go(benchmark, largest);
        self.contenders.push((name, Who::Go, source));
        self
    }

    /// Measures every contender at these sizes, and adds the panel to the report.
    pub(crate) fn at(mut self, sizes: &[u32]) {
        let filter = &self.sampler.filter;
        if !filter.is_empty() && !filter.iter().any(|it| self.title.contains(it.as_str())) {
            return;
        }
        eprintln!("{}", self.title);
        let series = self.contenders.iter().map(|(name, who, _)| Series {
            name: (*name).to_owned(),
            who: *who,
            points: Vec::new(),
        });
        let mut series: Vec<Series> = series.collect();
        let largest = self.sampler.largest;
        for &size in sizes.iter().filter(|size| **size <= largest) {
            for (series, nanoseconds) in series.iter_mut().zip(self.point(size)) {
                series
                    .points
                    .extend(nanoseconds.map(|it| (f64::from(size), it)));
            }
        }
        series.retain(|it| !it.points.is_empty());
        self.sampler.report.panels.push(Panel {
            title: self.title.to_owned(),
            sizes: self.sizes.to_owned(),
            series,
        });
    }

    fn point(&mut self, size: u32) -> Vec<Option<f64>> {
        let mut found = vec![None; self.contenders.len()];
        let mut timed = Vec::new();
        for (at, (_, _, source)) in self.contenders.iter_mut().enumerate() {
            match source {
                Source::Here(make) => timed.push((at, make(size))),
                Source::Go(benchmark, largest) if size <= *largest => {
                    let go = self.sampler.go.as_ref();
                    found[at] = go.map(|go| go.measure(&format!("{benchmark}/{size}")));
                }
                Source::Go(..) => {}
            }
        }
        let (slots, mut timed): (Vec<_>, Vec<_>) = timed.into_iter().unzip();
        for (slot, nanoseconds) in slots.into_iter().zip(rounds(&mut timed, self.sampler.time)) {
            found[slot] = Some(nanoseconds);
        }
        found
    }
}

/// The median of each contender over the rounds: at least three, and as many as there is time for.
#[expect(clippy::cast_precision_loss, reason = "figures are for reading")]
fn rounds(contenders: &mut [Timed<'_>], time: Duration) -> Vec<f64> {
    let times: Vec<u64> = contenders.iter_mut().map(often).collect();
    let mut samples = vec![Vec::new(); contenders.len()];
    let start = Instant::now();
    for round in 0..200 {
        if round >= 3 && start.elapsed() > time {
            break;
        }
        for turn in 0..contenders.len() {
            let it = (round + turn) % contenders.len();
            let took = contenders[it](times[it]);
            samples[it].push(took.as_nanos() as f64 / times[it] as f64);
        }
    }
    let median = |mut samples: Vec<f64>| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    };
    samples.into_iter().map(median).collect()
}

/// How often fills half a millisecond, with its preparations.
fn often(contender: &mut Timed<'_>) -> u64 {
    let mut times = 1;
    loop {
        let start = Instant::now();
        contender(times);
        if start.elapsed() > Duration::from_micros(250) {
            return times;
        }
        times *= 2;
    }
}
