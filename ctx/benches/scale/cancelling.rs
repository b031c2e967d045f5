//! Ending many: side by side, and one below the other.

use crate::{
    leaf::waker,
    report::Who,
    sampler::Sampler,
    timed::{Timed, prepared},
};
use ctx::{CancelScope, Context};
use std::{future::Future, pin::Pin, task::Context as TaskContext};
use tokio_util::sync::CancellationToken;

const SIZES: [u32; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
const TOKEN: &str = "CancellationToken";

pub(crate) fn panels(sampler: &mut Sampler) {
    sampler
        .panel("Cancel a parent of waiting children", "children")
        .ours(waiting)
        .here(TOKEN, Who::Tokio, waiting_tokens)
        // A million goroutines are no longer a question of contexts.
        .go("Go", "ScaleCancelWaiting", 100_000)
        .at(&SIZES);
    sampler
        .panel("Cancel a parent of idle children", "children")
        .ours(|size| prepared(move || idle(size), |it| it.0.cancel()))
        .here(TOKEN, Who::Tokio, |size| {
            prepared(move || idle_tokens(size), |it| it.0.cancel())
        })
        .go("Go", "ScaleCancelIdle", 1_000_000)
        .at(&SIZES);
    sampler
        .panel("Cancel the top of a chain, its lowest waiting", "depth")
        .ours(chain)
        .here(TOKEN, Who::Tokio, token_chain)
        .go("Go", "ScaleCancelChain", 1_000_000)
        .at(&SIZES);
}

fn idle(size: u32) -> (CancelScope, Vec<CancelScope>) {
    let root = Context::background().with_cancel();
    let children = (0..size).map(|_| root.with_cancel()).collect();
    (root, children)
}

fn idle_tokens(size: u32) -> (CancellationToken, Vec<CancellationToken>) {
    let root = CancellationToken::new();
    let children = (0..size).map(|_| root.child_token()).collect();
    (root, children)
}

fn waiting(size: u32) -> Timed<'static> {
    let waker = waker();
    let prepare = move || {
        let root = Context::background().with_cancel();
        let mut cx = TaskContext::from_waker(&waker);
        let waiters = (0..size).map(|_| {
            let mut done = root.with_cancel().detach().done_owned();
            assert!(Pin::new(&mut done).poll(&mut cx).is_pending());
            done
        });
        let waiters: Vec<_> = waiters.collect();
        (root, waiters)
    };
    prepared(prepare, |it| it.0.cancel())
}

fn waiting_tokens(size: u32) -> Timed<'static> {
    let waker = waker();
    let prepare = move || {
        let root = CancellationToken::new();
        let mut cx = TaskContext::from_waker(&waker);
        let waiters = (0..size).map(|_| {
            let mut done = Box::pin(root.child_token().cancelled_owned());
            assert!(done.as_mut().poll(&mut cx).is_pending());
            done
        });
        let waiters: Vec<_> = waiters.collect();
        (root, waiters)
    };
    prepared(prepare, |it| it.0.cancel())
}

fn chain(depth: u32) -> Timed<'static> {
    let waker = waker();
    let prepare = move || {
        let mut scopes = vec![Context::background().with_cancel()];
        scopes.reserve(depth as usize);
        for above in 0..depth as usize {
            scopes.push(scopes[above].with_cancel());
        }
        let mut done = scopes[depth as usize].done_owned();
        let mut cx = TaskContext::from_waker(&waker);
        assert!(Pin::new(&mut done).poll(&mut cx).is_pending());
        (scopes, done)
    };
    prepared(prepare, |it| it.0[0].cancel())
}

fn token_chain(depth: u32) -> Timed<'static> {
    let waker = waker();
    let prepare = move || {
        let mut tokens = vec![CancellationToken::new()];
        tokens.reserve(depth as usize);
        for above in 0..depth as usize {
            tokens.push(tokens[above].child_token());
        }
        let mut done = Box::pin(tokens[depth as usize].clone().cancelled_owned());
        let mut cx = TaskContext::from_waker(&waker);
        assert!(done.as_mut().poll(&mut cx).is_pending());
        (tokens, done)
    };
    prepared(prepare, |it| it.0[0].cancel())
}
