//! Request-scoped cancellation, deadlines and typed values for async Rust.
//!
//! A [`Context`] goes down the call tree of a request as the first parameter. It ends once: by its owner's
//! call, by its deadline, or because a context above it ended. [`with_context`] makes every `.await` of a
//! function a checkpoint, where work on a context that has ended stops with a [`Cancelled`] that says what
//! was cancelled, why, by which line and at which `.await`. [`ctx_value!`] declares typed keys for the
//! values that a request carries.
//!
//! The README tells when to use which, and what a checkpoint does to futures that must not be dropped.
//!
//! # Examples
//!
//! ```
//! use ctx::{Cancelled, Context, with_context};
//! use std::time::Duration;
//!
//! #[with_context]
//! async fn fetch(page: u32) -> Result<String, Cancelled> {
//!     tokio::time::sleep(Duration::from_secs(60)).await; // a checkpoint
//!     Ok(format!("page {page}"))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let ctx = Context::background().with_timeout(Duration::from_millis(5));
//! let cancelled = fetch(&ctx, 7).await.unwrap_err();
//! assert!(cancelled.is_deadline_exceeded());
//! println!("{}", cancelled.report()); // the line of `with_timeout`, and that of the `.await`
//! # }
//! ```
#![forbid(unsafe_code)]

// So that the macros' absolute paths hold in this crate's own tests too.
extern crate self as ctx;

// The public face.
mod context;
mod scope;
mod error;
mod report;
mod done;
mod checkpoint;
mod callback;
mod group;
mod value;
#[cfg(feature = "signal")]
mod signal;
#[cfg(feature = "tokio-util")]
mod token;
#[cfg(feature = "testing")]
pub mod testing;
#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private;

// The mechanism: the tree, then what waits on it, then how checkpoints agree.
mod node;
mod descent;
mod release;
mod layer;
mod chain;
mod state;
mod stamp;
mod end;
mod derive;
mod links;
mod tree;
mod verdict;
mod sweep;
mod few;
mod wait_list;
mod watch;
mod timer;
mod alarm;
mod callbacks;
mod advance;
mod aside;
mod deliver;
mod keeper;
mod decide;
mod promise;
mod spare;
mod answer;
mod asking;
mod unwinding;
mod heard;
mod name;
mod frame;
mod top;
mod stack;
mod hold;
#[cfg(any(feature = "signal", feature = "tokio-util"))]
mod bridge;
#[cfg(feature = "signal")]
mod hearing;
#[cfg(feature = "tokio-util")]
mod courier;
#[cfg(feature = "testing")]
mod probe;
mod sync;
mod lock;
#[cfg(all(test, ctx_loom))]
mod models;

pub use callback::OnCancel;
pub use checkpoint::{RunUntilCancelled, RunUntilCancelledOwned};
pub use context::Context;
pub use ctx_macros::with_context;
pub use done::{Done, DoneOwned};
pub use error::{BoxError, Cancelled, FromCancelled, Reason, Trigger};
pub use group::{Group, TaskFailed, TaskPanicked, Wait};
pub use scope::{CancelScope, Canceller};
#[cfg(feature = "signal")]
pub use signal::ShutdownSignal;
#[cfg(feature = "tokio-util")]
pub use token::TokenCancelled;
pub use tokio::time::Instant;
pub use value::{Key, MissingValue};

/// The README's programs are tests, and so are those of the page for people who come from Go. They need
/// every feature that they show.
#[cfg(all(doctest, feature = "signal", feature = "tokio-util"))]
mod pages {
    #[doc = include_str!("../../README.md")]
    struct Readme;

    #[doc = include_str!("../../docs/from-go.md")]
    struct FromGo;
}
