//! Reading a value, and giving one.

use crate::{
    bound::{at_most, times},
    counting::counted,
    harness::Harness,
    keys::{KEYS, MISSING, layers},
    report::Role,
    timed::each,
};
use ctx::{Context, Key};
use std::{any::Any, hint::black_box, sync::Arc};

const GO: &str = "Go";
const NEAR: &str = "20 layers deep";
/// What any safe look-up of a value by its type ends with, and nothing before it.
const LEAST: &str = "downcast_ref";

/// The least that a layer is: threads share it, it keeps what is above it alive, and it owns a value of any type.
/// Go's is kept alive by its collector.
const LAYER: &str = "the least";

struct Layer {
    _above: Option<Arc<Layer>>,
    _value: Box<dyn Any + Send + Sync>,
}

fn layer(above: &Arc<Layer>) -> Arc<Layer> {
    Arc::new(Layer {
        _above: Some(Arc::clone(above)),
        _value: Box::new(black_box(7_u64)),
    })
}

pub(crate) fn rows(harness: &mut Harness) {
    let root = Context::background().with_cancel();
    lookup(
        harness,
        &root,
        "a value, 100 layers deep, 20 keys: hit",
        "ValueHit100",
        KEYS[0],
        false,
    );
    lookup(
        harness,
        &root,
        "a value, 100 layers deep, 20 keys: miss",
        "ValueMiss100",
        &MISSING,
        true,
    );
    one_more(
        harness,
        &root,
        [
            "with_value, 4 keys in view",
            "with_value, 4 keys in view, allocations",
        ],
        4,
        ("WithValue4", 1.0),
    );
    one_more(
        harness,
        &root,
        [
            "with_value, 20 keys in view",
            "with_value, 20 keys in view, allocations",
        ],
        20,
        ("WithValue20", 2.0),
    );
}

fn lookup(
    harness: &mut Harness,
    root: &Context,
    title: &'static str,
    go: &'static str,
    key: &'static Key<u64>,
    miss: bool,
) {
    let (deep, near) = (layers(root, 100, 20), layers(root, 20, 20));
    let read = |ctx: &Context| black_box(ctx).value(black_box(key)).copied();
    let erased: Box<dyn Any + Send + Sync> = Box::new(7_u64);
    let row = harness
        .row("values", title)
        .ours(each(|| read(&deep)))
        .go(GO, go)
        .floor(NEAR, each(|| read(&near)))
        .floor(
            LEAST,
            each(|| black_box(&erased).downcast_ref::<u64>().copied()),
        )
        .bound(at_most(10.0, "ns"))
        // Flat in depth, but for the noise.
        .bound(times(1.1, NEAR));
    let row = if miss {
        row.bound(times(0.05, GO))
    } else {
        row
    };
    row.measure();
}

fn one_more(
    harness: &mut Harness,
    root: &Context,
    [title, allocations]: [&'static str; 2],
    in_view: usize,
    (go, limit): (&'static str, f64),
) {
    let below = layers(root, in_view - 1, in_view - 1);
    let above = Arc::new(Layer {
        _above: None,
        _value: Box::new(black_box(7_u64)),
    });
    let add = || black_box(&below).with_value(black_box(KEYS[in_view - 1]), black_box(7));
    harness
        .row("values", title)
        .ours(each(add))
        .go(GO, go)
        .floor("Arc::new + drop", each(|| Arc::new(black_box(7_u64))))
        .floor(LAYER, each(|| layer(black_box(&above))))
        .bound(times(limit, GO).not_below(LAYER))
        .measure();
    let (_kept, count) = counted(add);
    harness
        .row("values", allocations)
        .unit("")
        .known("ours", Role::Ours, vec![count.allocations])
        .bound(at_most(2.0, ""))
        .measure();
}
