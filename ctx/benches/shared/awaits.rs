//! Annotated functions, and what they await.

use crate::leaf::Leaf;
use ctx::{Cancelled, with_context};
use std::hint::black_box;

/// One await in one annotated function.
#[with_context]
pub(crate) async fn one(pending: u32) -> Result<(), Cancelled> {
    Leaf(pending).await;
    Ok(())
}

/// Many awaits in one annotated function.
#[with_context]
pub(crate) async fn many(awaits: u32, pending: u32) -> Result<(), Cancelled> {
    for _ in 0..awaits {
        Leaf(black_box(pending)).await;
    }
    Ok(())
}
