//! The rules of `ctx`: each is held by a test of its name.

mod allocations;
mod callbacks;
mod causes;
mod checkpoints;
mod corpus;
mod deadlines;
mod errors;
mod foreign;
mod group;
mod lexical;
mod many_keys;
mod model;
mod scopes;
#[cfg(all(unix, feature = "signal"))]
mod signals;
mod support;
mod timers;
#[cfg(feature = "tokio-util")]
mod tokens;
mod tree;
mod values;
