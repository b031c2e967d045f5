//! How much of something ours may cost.

use crate::report::Verdict;

/// `(ours - above) <= limit x (sum of the others, weighted, - above)`.
pub(crate) struct Bound {
    text: String,
    limit: f64,
    above: Option<&'static str>,
    of: Vec<(f64, &'static str)>,
    least: Option<&'static str>,
}

/// At most so many times as much as another contender.
pub(crate) fn times(limit: f64, other: &'static str) -> Bound {
    Bound {
        text: format!("{limit} x {other}"),
        limit,
        above: None,
        of: vec![(1.0, other)],
        least: None,
    }
}

/// At most so many of the row's unit.
pub(crate) fn at_most(limit: f64, unit: &str) -> Bound {
    Bound {
        text: format!("{limit} {unit}").trim_end().to_owned(),
        limit,
        above: None,
        of: Vec::new(),
        least: None,
    }
}

/// At most so many times the weighted sum of others.
pub(crate) fn times_sum(limit: f64, of: &[(f64, &'static str)]) -> Bound {
    let terms = of.iter().map(|(weight, name)| {
        let factor = if (weight - 1.0).abs() < f64::EPSILON {
            String::new()
        } else {
            format!("{weight} x ")
        };
        format!("{factor}{name}")
    });
    let sum = terms.collect::<Vec<_>>().join(" + ");
    Bound {
        text: if (limit - 1.0).abs() < f64::EPSILON {
            sum
        } else {
            format!("{limit} x ({sum})")
        },
        limit,
        above: None,
        of: of.to_vec(),
        least: None,
    }
}

impl Bound {
    /// Both sides count only what they cost more than this contender.
    pub(crate) fn above(mut self, floor: &'static str) -> Self {
        self.text = format!("{}, above {floor}", self.text);
        self.above = Some(floor);
        self
    }

    /// Nobody gets below this contender. Where that one exceeds the bound too, the bound cannot be had.
    pub(crate) fn not_below(mut self, least: &'static str) -> Self {
        self.least = Some(least);
        self
    }

    /// What came of it. `rounds` holds what each contender took in each round, ours first; a contender with
    /// none was not there.
    pub(crate) fn judge(&self, rounds: &[(&'static str, Vec<f64>)]) -> Verdict {
        let count = rounds[0].1.len();
        let of = |name: &str| {
            let ratios = (0..count).map(|round| self.ratio(name, rounds, round));
            ratios.collect::<Option<Vec<f64>>>().and_then(median)
        };
        Verdict {
            text: self.text.clone(),
            limit: self.limit,
            absolute: self.of.is_empty(),
            ratio: of(rounds[0].0),
            least: self.least.and_then(of),
        }
    }

    fn ratio(&self, whose: &str, rounds: &[(&'static str, Vec<f64>)], round: usize) -> Option<f64> {
        let of = |name: &str| {
            let (_, samples) = rounds.iter().find(|it| it.0 == name)?;
            samples
                .get(round.min(samples.len().checked_sub(1)?))
                .copied()
        };
        let above = match self.above {
            Some(name) => of(name)?,
            None => 0.0,
        };
        let ours = of(whose)? - above;
        if self.of.is_empty() {
            return Some(ours);
        }
        let others = self
            .of
            .iter()
            .map(|(weight, name)| Some(weight * of(name)?));
        Some(ours / (others.sum::<Option<f64>>()? - above))
    }
}

/// The middle one; none of none.
pub(crate) fn median(mut samples: Vec<f64>) -> Option<f64> {
    samples.sort_by(f64::total_cmp);
    let middle = samples.len() / 2;
    match samples.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(samples[middle]),
        _ => Some(f64::midpoint(samples[middle - 1], samples[middle])),
    }
}
