//! Proving that code survives its cancellation (feature `testing`).

mod cancel_at;
mod count;
mod driver;
mod heard;
mod place;
mod run;
mod sweep;
mod watchdog;

pub use cancel_at::CancelAt;
pub use count::{CountCheckpoints, count_checkpoints};
pub use place::Half;
pub use sweep::{Run, Sweep, cancel_at_every_checkpoint};

pub(crate) use heard::{Delivery, Heard, Plan, Starting, TOO_MANY, Verdict};
pub(crate) use place::Place;
