//! Annotated functions in each other.

use crate::leaf::Leaf;
use ctx::{Cancelled, with_context};
use std::{future::Future, hint::black_box, pin::Pin};

pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// As many functions in each other as `depth` says, and the awaits in the innermost. The calls are boxed, as
/// they are in the neighbours' chains, since a token's future doubles with each level that is not.
#[with_context]
pub(crate) async fn nested(depth: u32, yields: u32) -> Result<(), Cancelled> {
    if depth > 1 {
        let inner: Boxed<'_, _> = Box::pin(nested(ctx, depth - 1, yields));
        return inner.await;
    }
    for _ in 0..yields {
        Leaf(black_box(1)).await;
    }
    Ok(())
}
