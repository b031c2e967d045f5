//! The leaf that the benchmarks await.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// Pending as many times as it is told, then ready.
pub(crate) struct Yields(pub(crate) u32);

impl Future for Yields {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        match self.0.checked_sub(1) {
            Some(rest) => {
                self.0 = rest;
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}
