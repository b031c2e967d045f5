//! The awaits of `shared/awaits`, under a token and bare.

use crate::leaf::Leaf;
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
