//! What many values cost: many layers, and many keys.

use crate::{
    keys::{KEYS, MISSING, layers},
    sampler::Sampler,
    timed::each,
};
use ctx::Context;
use std::hint::black_box;

const SIZES: [u32; 8] = [1, 2, 4, 8, 16, 32, 64, 100];

pub(crate) fn panels(sampler: &mut Sampler) {
    let root = &*Box::leak(Box::new(Context::background().with_cancel()));
    sampler
        .panel(
            "Read the lowest value below many layers",
            "layers, of up to 20 keys",
        )
        .ours(|size| {
            let size = size as usize;
            let ctx = layers(root, size, size.min(20));
            each(move || black_box(&ctx).value(black_box(KEYS[0])).copied())
        })
        .go("Go", "ScaleValueHit", 100)
        .at(&SIZES);
    sampler
        .panel(
            "Ask for a value that is not there",
            "layers, of up to 20 keys",
        )
        .ours(|size| {
            let size = size as usize;
            let ctx = layers(root, size, size.min(20));
            each(move || black_box(&ctx).value(black_box(&MISSING)).copied())
        })
        .go("Go", "ScaleValueMiss", 100)
        .at(&SIZES);
    sampler
        .panel("Read the first of many keys", "distinct keys")
        .ours(|size| {
            let ctx = layers(root, size as usize, size as usize);
            each(move || black_box(&ctx).value(black_box(KEYS[0])).copied())
        })
        .go("Go", "ScaleKeysHit", 100)
        .at(&SIZES);
    sampler
        .panel("Add one value, and drop it", "distinct keys, with it")
        .ours(|size| {
            let below = (size as usize - 1, KEYS[size as usize - 1]);
            let ctx = if below.0 == 0 {
                root.clone()
            } else {
                layers(root, below.0, below.0)
            };
            each(move || black_box(&ctx).with_value(black_box(below.1), black_box(7)))
        })
        .go("Go", "ScaleWithValue", 100)
        .at(&SIZES);
}
