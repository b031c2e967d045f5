//! Proving that code survives its cancellation (feature `testing`).
//!
//! Since every checkpoint is known, a test can cancel at each of them in turn, and does not have to guess at
//! which one the code breaks. [`cancel_at_every_checkpoint`] does that; for tests written by hand there are
//! [`CancelAt`], a context that its owner cancels at the n-th checkpoint from now, and
//! [`count_checkpoints`]. The feature is for `[dev-dependencies]`: it brings `tokio/test-util`, and a look
//! at a counter to each checkpoint. Without it nothing of this is compiled in.
//!
//! The wrong program. It works, and it works when it is cancelled before it starts, and also when it is
//! cancelled while it looks at the balance. But where the request ends while `credit` waits, the money is
//! gone:
//!
//! ```
//! use ctx::{Cancelled, testing::cancel_at_every_checkpoint, with_context};
//! # use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
//! # struct Bank { from: AtomicI64, to: AtomicI64 }
//! # impl Bank {
//! #     fn with(money: i64) -> Self { Self { from: money.into(), to: 0.into() } }
//! #     async fn has(&self, sum: i64) -> bool { tokio::task::yield_now().await; self.from.load(SeqCst) >= sum }
//! #     async fn debit(&self, sum: i64) { self.from.fetch_sub(sum, SeqCst); }
//! #     async fn credit(&self, sum: i64) { tokio::task::yield_now().await; self.to.fetch_add(sum, SeqCst); }
//! #     fn total(&self) -> i64 { self.from.load(SeqCst) + self.to.load(SeqCst) }
//! # }
//!
//! #[with_context]
//! async fn transfer(bank: &Bank, sum: i64) -> Result<(), Cancelled> {
//!     if bank.has(sum).await {
//!         bank.debit(sum).await;
//!         bank.credit(sum).await;
//!     }
//!     Ok(())
//! }
//!
//! let sweep = cancel_at_every_checkpoint(|ctx| async move {
//!     let bank = Bank::with(100); // fresh for each run
//!     let _ = transfer(&ctx, &bank, 10).await;
//!     bank.total()
//! });
//! assert_eq!(sweep.checkpoints(), 3);
//! let lost: Vec<_> = sweep.iter().filter(|run| *run.output() != 100).collect();
//! assert_eq!(lost.len(), 2, "both halves of one checkpoint");
//! println!("{}", lost[1]); // src/bank.rs:7:26, while pending
//! ```
//!
//! The right one puts what belongs together under one shield, and every run keeps the money:
//!
//! ```
//! # use ctx::{Cancelled, testing::cancel_at_every_checkpoint, with_context};
//! # use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
//! # struct Bank { from: AtomicI64, to: AtomicI64 }
//! # impl Bank {
//! #     fn with(money: i64) -> Self { Self { from: money.into(), to: 0.into() } }
//! #     async fn has(&self, sum: i64) -> bool { tokio::task::yield_now().await; self.from.load(SeqCst) >= sum }
//! #     async fn debit(&self, sum: i64) { self.from.fetch_sub(sum, SeqCst); }
//! #     async fn credit(&self, sum: i64) { tokio::task::yield_now().await; self.to.fetch_add(sum, SeqCst); }
//! #     fn total(&self) -> i64 { self.from.load(SeqCst) + self.to.load(SeqCst) }
//! # }
//! #[with_context]
//! async fn transfer(bank: &Bank, sum: i64) -> Result<(), Cancelled> {
//!     if bank.has(sum).await {
//!         #[shield]
//!         {
//!             bank.debit(sum).await;
//!             bank.credit(sum).await;
//!         }
//!     }
//!     Ok(())
//! }
//!
//! let sweep = cancel_at_every_checkpoint(|ctx| async move {
//!     let bank = Bank::with(100);
//!     let _ = transfer(&ctx, &bank, 10).await;
//!     bank.total()
//! });
//! for run in &sweep {
//!     assert_eq!(*run.output(), 100, "{run}");
//! }
//! assert_eq!(sweep.checkpoints(), 1);
//! ```
//!
//! # What a sweep does not show
//!
//! - A future is dropped where it is pending for the first time. An `.await` that is no checkpoint, in a
//!   function without `#[with_context]`, is no place of its own: give what must be swept the attribute.
//! - A cancellation that another thread sends between two checkpoints is heard at the next of them, which
//!   is one of the runs. What code reads from `is_cancelled` or `done()` in between is not swept.
//! - A `select!` without `biased` polls its branches in an order of chance. Each run is repeated until it
//!   gets to its checkpoint, but what the first run passed may be another number the next time.
//! - Code that never yields and passes no checkpoint cannot be stopped from outside.

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
