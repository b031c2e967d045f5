//! What each call around it costs an await that is pending.

use crate::{
    chain, chains,
    leaf::{finish, waker},
    report::Who,
    sampler::Sampler,
    timed::each,
};
use ctx::Context;
use std::hint::black_box;
use tokio_util::sync::CancellationToken;

/// Past 16, as processors remember little more than that of where calls return to.
const SIZES: [u32; 8] = [1, 2, 4, 8, 12, 16, 24, 32];
const YIELDS: u32 = 100;

pub(crate) fn panels(sampler: &mut Sampler) {
    let ctx = &*Box::leak(Box::new(Context::background().with_cancel()));
    let token = &*Box::leak(Box::new(CancellationToken::new()));
    let waker = &*Box::leak(Box::new(waker()));
    sampler
        .panel("100 yields below calls within calls", "calls, boxed")
        .ours(|size| each(move || finish(chain::nested(black_box(ctx), size, YIELDS), waker)))
        .here("CancellationToken", Who::Tokio, |size| {
            each(move || finish(chains::under_token(black_box(token), size, YIELDS), waker))
        })
        .here("bare", Who::Floor, |size| {
            each(move || finish(chains::bare(black_box(size), YIELDS), waker))
        })
        .at(&SIZES);
}
