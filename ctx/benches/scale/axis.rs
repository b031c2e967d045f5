//! Sizes and durations, as a reader wants them, and where they stand on a logarithmic axis.

/// An axis over whole decades.
pub(crate) struct Axis {
    /// The exponents of ten at its ends.
    decades: (i32, i32),
    /// Where its ends are drawn.
    ends: (f64, f64),
}

impl Axis {
    /// One that holds all of `values`, and at least `decades`.
    #[expect(clippy::cast_possible_truncation, reason = "they are exponents of ten")]
    pub(crate) fn over(values: impl Iterator<Item = f64>, decades: i32, ends: (f64, f64)) -> Axis {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), it| {
            (low.min(it), high.max(it))
        });
        // A value at the very end of a decade does not need the next.
        let low = (low.log10() + 1e-9).floor() as i32;
        let high = (high.log10() - 1e-9).ceil() as i32;
        let decades = (low, high.max(low + decades));
        Axis { decades, ends }
    }

    pub(crate) fn at(&self, value: f64) -> f64 {
        let (from, to) = (f64::from(self.decades.0), f64::from(self.decades.1));
        let part = (value.log10() - from) / (to - from);
        self.ends.0 + part * (self.ends.1 - self.ends.0)
    }

    /// The powers of ten on it.
    pub(crate) fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.decades.0..=self.decades.1).map(|it| 10_f64.powi(it))
    }
}

/// `7.5 ns`, `120 µs`.
pub(crate) fn duration(nanoseconds: f64) -> String {
    let (scaled, unit) = match nanoseconds {
        it if it < 1e3 => (it, "ns"),
        it if it < 1e6 => (it / 1e3, "µs"),
        it if it < 1e9 => (it / 1e6, "ms"),
        it => (it / 1e9, "s"),
    };
    let digits = usize::from(scaled < 10.0 && scaled.fract() > 0.001);
    format!("{scaled:.digits$} {unit}")
}

/// `10`, `1k`, `1M`.
pub(crate) fn size(size: f64) -> String {
    match size {
        it if it < 1e3 => format!("{it:.0}"),
        it if it < 1e6 => format!("{:.0}k", it / 1e3),
        it => format!("{:.0}M", it / 1e6),
    }
}
