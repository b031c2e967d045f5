//! How a row is measured.
//!
//! criterion warms a row up, chooses how often to run it and takes the samples. Each of its samples is made
//! of short *rounds*: in a round every contender of the row runs as often as ours, in turn, and each round
//! starts with another one. A row is judged by the median of its rounds' ratios, so what disturbs the
//! machine for longer than a round disturbs both sides of a ratio alike, and what disturbs it for less
//! spoils few rounds. criterion's own files, under `target/criterion`, hold our side of each row.

use crate::{go::Go, report::Report, row::Builder};
use criterion::{Criterion, SamplingMode};
use std::time::Duration;

pub(crate) struct Harness {
    filter: Vec<String>,
    quick: bool,
    go: Option<Go>,
    pub(crate) report: Report,
}

impl Harness {
    pub(crate) fn new(report: Report, filter: Vec<String>, quick: bool, go: Option<Go>) -> Self {
        Self {
            filter,
            quick,
            go,
            report,
        }
    }

    pub(crate) fn is_quick(&self) -> bool {
        self.quick
    }

    /// Whether a row or a theme was asked for; all are if none was named.
    pub(crate) fn wants(&self, theme: &str, title: &str) -> bool {
        let mut parts = self.filter.iter();
        self.filter.is_empty() || parts.any(|it| theme.contains(it) || title.contains(it))
    }

    /// Starts a row; [`Builder::measure`] ends it.
    pub(crate) fn row<'c>(&mut self, theme: &'static str, title: &'static str) -> Builder<'_, 'c> {
        Builder::new(self, theme, title)
    }

    /// What a Go benchmark takes, if there is a Go.
    pub(crate) fn go(&self, benchmark: &str) -> Option<f64> {
        Some(self.go.as_ref()?.measure(benchmark))
    }

    /// Lets criterion take the samples of one row, and says how many of the last ones are no warm-up.
    pub(crate) fn sample(
        &mut self,
        (theme, title): (&str, &str),
        heavy: bool,
        sample: &mut dyn FnMut(u64) -> Duration,
    ) -> usize {
        let (samples, time) = match (self.quick, heavy) {
            (true, _) => (10, 20),
            (false, true) => (20, 1_000),
            (false, false) => (100, 1_500),
        };
        // A row is judged by its rounds; criterion's own intervals are for the reader of its files.
        let mut criterion = Criterion::default()
            .without_plots()
            .nresamples(1_001)
            .sample_size(samples)
            .warm_up_time(Duration::from_millis(time / 10))
            .measurement_time(Duration::from_millis(time));
        let mut group = criterion.benchmark_group(theme);
        group.sampling_mode(SamplingMode::Flat);
        group.bench_function(title, |bencher| bencher.iter_custom(&mut *sample));
        group.finish();
        samples
    }
}
