use super::*;
use std::collections::HashMap;

fn numbered(up: Option<&Arc<Node>>, number: u32, value: usize) -> Arc<Node> {
    add_numbered(up, number, Box::new(value))
}

/// Numbers that are dense, and that differ in any digit or only beyond all of them.
const SPREADS: [u64; 4] = [4, 20, 300, 70_000];
const STRIDES: [u32; 4] = [1, 4, 32, 1 << 14];

fn dice(seed: u64) -> impl FnMut(u64) -> u32 {
    let mut dice = seed;
    move |sides| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u32::try_from((dice >> 33) % sides).unwrap()
    }
}

/// Against a map. Layers are put on top of any that are there, as often as not on the newest, and some of
/// what was found before is asked again.
#[test]
fn v3_the_nearest_value_is_found_for_every_number() {
    for (spread, stride) in SPREADS
        .map(|it| STRIDES.map(|stride| (it, stride)))
        .concat()
    {
        let mut roll = dice(spread);
        let mut tops = vec![(None, HashMap::new())];
        for value in 0..300 {
            let newest = tops.len() as u64 - 1;
            let below = if roll(2) == 0 {
                newest
            } else {
                roll(newest + 1).into()
            };
            let (up, mut known) = tops[usize::try_from(below).unwrap()].clone();
            let number = roll(spread.min(3 * value as u64 + 1)) * stride;
            let top = numbered(up.as_ref(), number, value);
            known.insert(number, value);
            tops.push((Some(top), known));
            for _ in 0..4 {
                let (top, known) = &tops[1 + roll(tops.len() as u64 - 1) as usize];
                let top = top.as_ref().unwrap();
                let found = |number| find(top, number)?.downcast_ref::<usize>();
                let any = roll(spread) * stride;
                assert_eq!(found(any), known.get(&any), "{any} of {spread} by {stride}");
                for (number, value) in known {
                    assert_eq!(
                        found(*number),
                        Some(value),
                        "{number} of {spread} by {stride}"
                    );
                }
            }
        }
    }
}

/// What is above a node, itself included, and how often that is counted.
fn counts(node: &Arc<Node>) -> usize {
    let all = std::iter::successors(Some(node), |node| node.up.as_ref());
    all.map(Arc::strong_count).sum()
}

#[test]
fn a_layer_counts_the_one_below_and_sometimes_its_line_and_no_more() {
    let root = crate::Context::background().with_cancel();
    let mut top = Arc::clone(root.node().unwrap());
    for height in 1..100 {
        // The first one is what gives the layer below its pointers.
        drop(numbered(Some(&top), height * 7 % 20, 0));
        let before = counts(&top);
        let layer = numbered(Some(&top), height * 7 % 20, 0);
        let holds_line = usize::from(layer.near.is_some());
        assert_eq!(counts(&top) - before, 1 + holds_line, "{height}");
        assert!(holds_line == 0 || height > 2 && height % 2 == 1, "{height}");
        assert!(Arc::ptr_eq(
            crate::node::line(&layer).unwrap(),
            root.node().unwrap()
        ));
        top = layer;
    }
}

#[test]
fn layers_with_no_line_above_them_find_none() {
    let mut top = None;
    for height in 0..10 {
        let layer = numbered(top.as_ref(), height, 0);
        assert!(crate::node::line(&layer).is_none());
        top = Some(layer);
    }
}

/// The forks hold handles too: a chain over many keys goes by the loop that takes any other one.
#[test]
fn t8_a_deep_chain_with_forks_is_dropped_without_recursion() {
    let root = crate::Context::background().with_cancel();
    let root = root.node().unwrap();
    let chain = |layers| {
        (0..layers).fold(Arc::clone(root), |up, layer| {
            numbered(Some(&up), layer % 100, 0)
        })
    };
    let top = chain(100_000);
    let below = top.older().unwrap();
    let Kind::Layer(layer) = &below.kind else {
        panic!("it is a layer");
    };
    let pointers = layer.near.get().unwrap().iter().flatten();
    let forks = pointers.filter(|node| matches!(node.kind, Kind::Fork(_)));
    assert_eq!(forks.count(), 1);
    let before = Arc::strong_count(root);
    drop(top);
    assert!(Arc::strong_count(root) < before);
    assert_eq!(Arc::strong_count(root), 1);
}
