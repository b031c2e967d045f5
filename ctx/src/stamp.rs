//! An instant in eight bytes: what is remembered of the time of an end.
//!
//! 1. A stamp is the number of nanoseconds since the first one was taken in this process, negative for
//!    earlier instants. So stamps are ordered as their instants are, to the nanosecond.
//! 2. It keeps one bit free for whoever stores it, which leaves 146 years each way; instants beyond are
//!    taken for the last one in reach.

use std::{sync::OnceLock, time::Duration};
use tokio::time::Instant;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Stamp(i64);

/// Where the count starts.
static EPOCH: OnceLock<std::time::Instant> = OnceLock::new();

fn epoch() -> std::time::Instant {
    *EPOCH.get_or_init(std::time::Instant::now)
}

impl Stamp {
    const LAST: i64 = i64::MAX >> 1;

    pub(crate) fn of(at: Instant) -> Self {
        let epoch = epoch();
        let at = at.into_std();
        Self(match at.checked_duration_since(epoch) {
            Some(after) => nanoseconds(after),
            None => -nanoseconds(epoch.duration_since(at)),
        })
    }

    /// The stamp, and one bit more.
    pub(crate) fn with_bit(self, bit: bool) -> i64 {
        self.0 << 1 | i64::from(bit)
    }

    /// What [`with_bit`](Self::with_bit) was made from.
    #[inline]
    pub(crate) fn and_bit(packed: i64) -> (Self, bool) {
        (Self(packed >> 1), packed & 1 != 0)
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    let whole = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    whole
        .saturating_mul(1_000_000_000)
        .saturating_add(i64::from(duration.subsec_nanos()))
        .min(Stamp::LAST)
}

#[cfg(all(test, not(ctx_loom)))]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_ordered_as_instants_are() {
        let now = Instant::now();
        let step = Duration::from_nanos(1);
        let year = Duration::from_secs(365 * 24 * 60 * 60);
        let mut instants = vec![now, now + step, now + year, now + 300 * year];
        instants.extend(now.checked_sub(step));
        instants.extend(now.checked_sub(Duration::from_secs(1)));
        instants.sort();
        for pair in instants.windows(2) {
            assert!(Stamp::of(pair[0]) < Stamp::of(pair[1]));
        }
        assert_eq!(Stamp::of(now + 300 * year), Stamp::of(now + 400 * year));
    }

    #[test]
    fn the_bit_comes_back() {
        let (early, late) = (Stamp(-Stamp::LAST), Stamp(Stamp::LAST));
        for stamp in [early, Stamp(-1), Stamp(0), Stamp(1), late] {
            for bit in [false, true] {
                assert_eq!(Stamp::and_bit(stamp.with_bit(bit)), (stamp, bit));
            }
        }
    }
}
