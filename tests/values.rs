//! V1 to V4: keys and values.

use ctx::{Context, Key, ctx_value};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

ctx_value! {
    /// Attributes stay on the key.
    pub(crate) NUMBER: u32;
    NAME: String;
    LANGUAGE: &'static str = "en";
    #[ctx(show)]
    TENANT: u32;
}

mod elsewhere {
    ctx::ctx_value! {
        pub(crate) NUMBER: u32;
        #[ctx(show)]
        #[allow(dead_code, reason = "attributes go on both sides of ours")]
        pub(super) LANGUAGE: &'static str = "de"
    }
}

#[test]
fn v1_the_nearest_value_wins_and_siblings_do_not_see_it() {
    let root = Context::background()
        .with_value(&NUMBER, 1)
        .with_value(&NAME, "ada".to_owned());
    let left = root.with_value(&NUMBER, 2).with_cancel();
    let right = root.with_cancel();
    assert_eq!(
        (left.value(&NUMBER), right.value(&NUMBER)),
        (Some(&2), Some(&1))
    );
    assert_eq!(left.value(&NAME).unwrap(), "ada");
    assert_eq!(NUMBER.get(&root), Some(&1));
}

#[test]
fn v1_values_outlive_the_end_of_their_context() {
    let scope = Context::background()
        .with_value(&NUMBER, 1)
        .with_timeout(Duration::ZERO);
    let below = scope.with_value(&NAME, "ada".to_owned());
    assert!(below.is_cancelled());
    let audit = below.without_cancel();
    drop(scope);
    for ctx in [&below, &audit, &audit.with_cancel()] {
        assert_eq!(ctx.value(&NUMBER), Some(&1));
        assert_eq!(ctx.value(&NAME).unwrap(), "ada");
    }
    assert!(!audit.is_cancelled());
}

#[test]
fn v1_a_default_stands_in_until_a_value_is_given() {
    let root = Context::background();
    assert_eq!(root.value(&LANGUAGE), Some(&"en"));
    let ctx = root.with_value(&NUMBER, 1);
    assert_eq!(ctx.value(&LANGUAGE), Some(&"en"));
    assert_eq!(
        ctx.with_value(&LANGUAGE, "fr").value(&LANGUAGE),
        Some(&"fr")
    );
    assert!(std::ptr::eq(
        root.value(&LANGUAGE).unwrap(),
        ctx.value(&LANGUAGE).unwrap()
    ));
}

#[test]
fn v1_a_default_is_made_once() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    ctx_value! { COUNTED: usize = MADE.fetch_add(1, Ordering::SeqCst); }
    assert_eq!(MADE.load(Ordering::SeqCst), 0);
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| assert_eq!(Context::background().value(&COUNTED), Some(&0)));
        }
    });
    assert_eq!(MADE.load(Ordering::SeqCst), 1);
}

#[test]
fn v2_keys_of_one_name_and_type_are_two_keys() {
    fn local() -> &'static Key<u32> {
        ctx_value! { NUMBER: u32; }
        &NUMBER
    }
    let ctx = Context::background()
        .with_value(&NUMBER, 1)
        .with_value(&elsewhere::NUMBER, 2);
    assert_eq!(ctx.value(&NUMBER), Some(&1));
    assert_eq!(ctx.value(&elsewhere::NUMBER), Some(&2));
    assert_eq!(NUMBER.name(), elsewhere::NUMBER.name());
    assert_eq!(ctx.value(local()), None);
    assert_eq!(ctx.with_value(local(), 3).value(&NUMBER), Some(&1));
    assert_eq!(ctx.value(&elsewhere::LANGUAGE), Some(&"de"));
}

macro_rules! many_keys {
    ($($name:ident)+) => {
        ctx_value! { $($name: usize;)+ }
        static MANY: &[&Key<usize>] = &[$(&$name),+];
    };
}
many_keys! {
    K00 K01 K02 K03 K04 K05 K06 K07 K08 K09 K10 K11 K12 K13 K14 K15 K16 K17 K18 K19 K20 K21 K22 K23 K24
    K25 K26 K27 K28 K29 K30 K31 K32 K33 K34 K35 K36 K37 K38 K39
}

/// Every state of the layers against the plainest model there is: an array.
#[test]
fn v2_forty_keys_in_random_order_answer_as_an_array_does() {
    let mut dice = crate::support::Shuffle(11);
    for _ in 0..20 {
        let mut ctx = Context::background();
        let mut model = vec![None; MANY.len()];
        for value in 0..100 {
            let key = dice.below(MANY.len());
            ctx = ctx.with_value(MANY[key], value);
            model[key] = Some(value);
            if dice.below(4) == 0 {
                ctx = ctx.with_cancel().detach();
            }
            let read: Vec<_> = MANY.iter().map(|key| ctx.value(key).copied()).collect();
            assert_eq!(read, model);
        }
    }
}

/// The same where contexts branch, and go in any order: what one has does not depend on what was put on top of
/// those below it, before or after.
#[test]
fn v1_v2_forty_keys_in_random_trees_answer_as_arrays_do() {
    let mut dice = crate::support::Shuffle(5);
    for _ in 0..10 {
        let mut known = vec![(Context::background(), vec![None; MANY.len()])];
        for value in 0..300 {
            let (ctx, model) = &known[dice.below(known.len())];
            let (mut ctx, mut model) = (ctx.clone(), model.clone());
            for _ in 0..dice.below(8) {
                let key = dice.below(MANY.len());
                ctx = ctx.with_value(MANY[key], value);
                model[key] = Some(value);
            }
            ctx = match dice.below(8) {
                0 => ctx.with_cancel().detach(),
                1 => ctx.without_cancel(),
                _ => ctx,
            };
            known.push((ctx, model));
            if dice.below(4) == 0 {
                drop(known.swap_remove(dice.below(known.len())));
            }
            let asked = dice.below(known.len());
            for (ctx, model) in [&known[asked], &known[known.len() - 1]] {
                let read: Vec<_> = MANY.iter().map(|key| ctx.value(key).copied()).collect();
                assert_eq!(read, *model);
            }
        }
    }
}

/// The first values that are put on top of a context are put there by several threads at once.
#[test]
fn v3_threads_that_add_to_one_context_all_find_what_is_below_it() {
    for depth in 5..25 {
        let below = (0..depth).fold(Context::background(), |ctx, value| {
            ctx.with_value(MANY[value], value)
        });
        let start = std::sync::Barrier::new(4);
        std::thread::scope(|threads| {
            for added in 0..4 {
                let (below, start) = (&below, &start);
                threads.spawn(move || {
                    start.wait();
                    let ctx = below.with_value(MANY[39], added);
                    let found = |key: usize| ctx.value(MANY[key]).copied();
                    assert!((0..depth).all(|key| found(key) == Some(key)));
                    assert!((depth..39).all(|key| found(key).is_none()));
                    assert_eq!(found(39), Some(added));
                });
            }
        });
    }
}

/// A key gets its number at its first use, and here two threads use each key first.
#[test]
fn v2_v4_keys_that_threads_use_first_at_once_stay_themselves() {
    macro_rules! fresh {
        ($($name:ident)+) => {{
            ctx_value! { $(#[ctx(show)] $name: usize;)+ }
            [$(&$name),+]
        }};
    }
    let keys: [&Key<usize>; 16] = fresh!(A B C D E F G H I J K L M N O P);
    let arrived = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                let ctx = (0..16).fold(Context::background(), |ctx, n| {
                    // A barrier would wake one of them after the other.
                    arrived.fetch_add(1, Ordering::Relaxed);
                    while arrived.load(Ordering::Relaxed) < 2 * (n + 1) {
                        std::thread::yield_now();
                    }
                    ctx.with_value(keys[n], n)
                });
                let printed = format!("{ctx:?}");
                for (n, key) in keys.iter().enumerate() {
                    assert_eq!(ctx.value(key), Some(&n));
                    let value = format!(".with_value({} = {n})", key.name());
                    assert!(printed.contains(&value), "{value} in {printed}");
                }
            });
        }
    });
}

/// Nothing that was made to find a value keeps it.
#[test]
fn v1_a_value_goes_with_the_last_context_that_has_it() {
    ctx_value! { HELD: std::sync::Arc<()>; }
    let held = std::sync::Arc::new(());
    let count = || std::sync::Arc::strong_count(&held) - 1;
    for height in 0..12 {
        let below = (0..height).fold(Context::background(), |ctx, n| ctx.with_value(MANY[n], n));
        let first = below.with_value(&HELD, held.clone());
        let mut above: Vec<_> = (0..3)
            .map(|n| first.with_value(MANY[20 + n], n).with_value(&NUMBER, 1))
            .collect();
        above.push(first.with_cancel().detach().with_value(&HELD, held.clone()));
        drop(first);
        assert_eq!(count(), 2);
        drop(above.pop());
        assert_eq!(count(), 1);
        above.clear();
        assert_eq!(count(), 0, "on top of {height}");
    }
}

/// A walk over 100,000 layers for each of 100,000 look-ups would not end within anybody's patience.
#[test]
fn v3_a_look_up_does_not_grow_with_the_depth_of_the_tree() {
    let mut ctx = Context::background().with_value(&NAME, "ada".to_owned());
    for depth in 0..50_000 {
        ctx = ctx.with_value(&NUMBER, depth).with_cancel().detach();
    }
    ctx_value! { MISSED: u32; }
    for _ in 0..100_000 {
        assert!(ctx.value(&NAME).is_some());
        assert!(ctx.value(&MISSED).is_none());
        assert!(ctx.value(&TENANT).is_none());
    }
}

#[test]
fn v4_debug_prints_the_chain_and_never_a_value() {
    let named = Context::background().with_value(&NAME, "do not print".to_owned());
    let line = line!() + 1;
    let scope = named.with_cancel();
    let ctx = scope.without_cancel().with_value(&TENANT, 7);
    let end = ".without_cancel().with_value(TENANT = 7)";
    assert_eq!(
        format!("{ctx:?}"),
        format!(
            "Background.with_value(NAME).with_cancel({}:{line}){end}",
            file!()
        )
    );
    assert_eq!(format!("{:?}", Context::todo()), "Background");
    assert_eq!(format!("{NAME:?}"), "Key(\"NAME\")");
    assert!(!format!("{scope:?} {:?}", scope.canceller()).contains("do not print"));
}

#[tokio::test(start_paused = true)]
async fn v4_debug_tells_the_time_left_and_how_it_ended() {
    let line = line!() + 1;
    let root = Context::background().with_timeout(Duration::from_secs(2));
    let merged = root.merge(&Context::background());
    let here = file!();
    tokio::time::advance(Duration::from_millis(800)).await;
    assert_eq!(
        format!("{merged:?}"),
        format!(
            "Background.with_timeout(2s, 1.2s left, {here}:{line}).merge({here}:{})",
            line + 1
        )
    );
    merged.cancel();
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(
        format!("{merged:?}"),
        format!(
            "Background.with_timeout(2s, expired, {here}:{line}).merge(cancelled, {here}:{})",
            line + 1
        )
    );
    let line = line!() + 1;
    let dated = Context::background().with_deadline(ctx::Instant::now());
    assert_eq!(
        format!("{dated:?}"),
        format!("Background.with_deadline(expired, {here}:{line})")
    );
}
