//! What depth costs those who read and derive.

use crate::{report::Who, sampler::Sampler, timed::each};
use ctx::{CancelScope, Context};
use std::hint::black_box;
use tokio_util::sync::CancellationToken;

const DEPTHS: [u32; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
const TOKEN: &str = "CancellationToken";

/// A chain, kept whole: the last one is the deepest.
fn scopes(depth: u32) -> Vec<CancelScope> {
    let mut scopes = vec![Context::background().with_cancel()];
    for above in 1..depth as usize {
        scopes.push(scopes[above - 1].with_cancel());
    }
    scopes
}

fn tokens(depth: u32) -> Vec<CancellationToken> {
    let mut tokens = vec![CancellationToken::new()];
    for above in 1..depth as usize {
        tokens.push(tokens[above - 1].child_token());
    }
    tokens
}

pub(crate) fn panels(sampler: &mut Sampler) {
    sampler
        .panel("Ask the lowest of a chain: is_cancelled", "depth")
        .ours(|depth| {
            let scopes = scopes(depth);
            each(move || black_box(&scopes).last().map(|it| it.is_cancelled()))
        })
        .here(TOKEN, Who::Tokio, |depth| {
            let tokens = tokens(depth);
            each(move || {
                black_box(&tokens)
                    .last()
                    .map(CancellationToken::is_cancelled)
            })
        })
        .go("Go", "ScaleErr", 1_000_000)
        .at(&DEPTHS);
    sampler
        .panel("Derive and end a scope below a chain", "depth")
        .ours(|depth| {
            let scopes = scopes(depth);
            each(move || black_box(&scopes).last().map(|it| it.with_cancel()))
        })
        .here(TOKEN, Who::Tokio, |depth| {
            let tokens = tokens(depth);
            each(move || {
                black_box(&tokens)
                    .last()
                    .map(CancellationToken::child_token)
            })
        })
        .go("Go", "ScaleDerive", 1_000_000)
        .at(&DEPTHS);
}
