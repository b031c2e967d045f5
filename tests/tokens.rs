//! W7: contexts and tokio-util's tokens, both ways.

mod followed;
mod given;
mod kept;

use crate::support::Nosy;
use std::{future::Future, pin::pin, sync::mpsc, task::Context as TaskContext, time::Duration};
use tokio_util::sync::CancellationToken;

ctx::ctx_value! { NAME: &'static str; }

fn token() -> CancellationToken {
    CancellationToken::new()
}

/// Waits on this thread, which is parked meanwhile.
fn block_on(future: impl Future<Output = ()>) {
    let (tell, told) = mpsc::channel();
    let waker = Nosy::waker(
        move || {
            let _ = tell.send(());
        },
        || (),
    );
    let mut future = pin!(future);
    while future
        .as_mut()
        .poll(&mut TaskContext::from_waker(&waker))
        .is_pending()
    {
        told.recv_timeout(Duration::from_secs(30))
            .expect("it was forgotten");
    }
}
