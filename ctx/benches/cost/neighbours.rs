//! The awaits of `shared/awaits`, under a token and bare.

use crate::{awaits::Boxed, leaf::Leaf};
use std::hint::black_box;
use tokio_util::sync::CancellationToken;

pub(crate) async fn one_under_token(token: &CancellationToken, pending: u32) -> Option<()> {
    token.run_until_cancelled(Leaf(pending)).await
}

pub(crate) async fn one_bare(pending: u32) {
    Leaf(pending).await;
}

pub(crate) async fn many_under_token(
    token: &CancellationToken,
    awaits: u32,
    pending: u32,
) -> Option<()> {
    for _ in 0..awaits {
        token.run_until_cancelled(Leaf(black_box(pending))).await?;
    }
    Some(())
}

pub(crate) async fn many_bare(awaits: u32, pending: u32) {
    for _ in 0..awaits {
        Leaf(black_box(pending)).await;
    }
}

pub(crate) async fn nested_under_token(
    token: &CancellationToken,
    depth: u32,
    yields: u32,
) -> Option<()> {
    if depth > 1 {
        let inner: Boxed<'_, _> = Box::pin(nested_under_token(token, depth - 1, yields));
        return token.run_until_cancelled(inner).await?;
    }
    for _ in 0..yields {
        token.run_until_cancelled(Leaf(black_box(1))).await?;
    }
    Some(())
}

pub(crate) async fn nested_bare(depth: u32, yields: u32) {
    if depth > 1 {
        let inner: Boxed<'_, ()> = Box::pin(nested_bare(depth - 1, yields));
        return inner.await;
    }
    for _ in 0..yields {
        Leaf(black_box(1)).await;
    }
}
