//! T1 to T12: how an end comes down the tree. Memory and depth (T7, T8) are in `allocations`.

mod ending;
mod merges;
mod reading;
mod wakers;

ctx::ctx_value! { LEVEL: u32; }
