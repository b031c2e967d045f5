//! The chain of `chain`, under a token and bare.

use crate::{chain::Boxed, leaf::Leaf};
use std::hint::black_box;
use tokio_util::sync::CancellationToken;

pub(crate) async fn under_token(token: &CancellationToken, depth: u32, yields: u32) -> Option<()> {
    if depth > 1 {
        let inner: Boxed<'_, _> = Box::pin(under_token(token, depth - 1, yields));
        return token.run_until_cancelled(inner).await?;
    }
    for _ in 0..yields {
        token.run_until_cancelled(Leaf(black_box(1))).await?;
    }
    Some(())
}

pub(crate) async fn bare(depth: u32, yields: u32) {
    if depth > 1 {
        let inner: Boxed<'_, ()> = Box::pin(bare(depth - 1, yields));
        return inner.await;
    }
    for _ in 0..yields {
        Leaf(black_box(1)).await;
    }
}
