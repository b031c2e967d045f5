//! Request-scoped cancellation, deadlines and typed values for async Rust.
#![forbid(unsafe_code)]

extern crate self as ctx;

// The public face.
mod context;
mod scope;
mod error;
mod done;
mod checkpoint;
mod callback;
mod value;
#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private;

// The mechanism: the tree, then what waits on it, then how checkpoints agree.
mod node;
mod layer;
mod chain;
mod state;
mod tree;
mod sweep;
mod few;
mod wait_list;
mod watch;
mod timer;
mod alarm;
mod callbacks;
mod keeper;
mod frame;
mod hold;
mod sync;
#[cfg(all(test, ctx_loom))]
mod models;

pub use callback::OnCancel;
pub use checkpoint::{RunUntilCancelled, RunUntilCancelledOwned};
pub use context::Context;
pub use ctx_macros::with_context;
pub use done::{Done, DoneOwned};
pub use error::{BoxError, Cancelled, FromCancelled, Reason, Trigger};
pub use scope::{CancelScope, Canceller};
pub use tokio::time::Instant;
pub use value::{Key, MissingValue};
