//! A hundred keys, and one that nothing is stored under.

use ctx::{Context, Key, ctx_value};

ctx_value! { pub(crate) MISSING: u64; }

macro_rules! keys {
    ($($name:ident)*) => {
        $(ctx_value! { $name: u64; })*
        pub(crate) static KEYS: [&Key<u64>; 100] = [$(&$name),*];
    };
}

keys! {
    K00 K01 K02 K03 K04 K05 K06 K07 K08 K09 K10 K11 K12 K13 K14 K15 K16 K17 K18 K19
    K20 K21 K22 K23 K24 K25 K26 K27 K28 K29 K30 K31 K32 K33 K34 K35 K36 K37 K38 K39
    K40 K41 K42 K43 K44 K45 K46 K47 K48 K49 K50 K51 K52 K53 K54 K55 K56 K57 K58 K59
    K60 K61 K62 K63 K64 K65 K66 K67 K68 K69 K70 K71 K72 K73 K74 K75 K76 K77 K78 K79
    K80 K81 K82 K83 K84 K85 K86 K87 K88 K89 K90 K91 K92 K93 K94 K95 K96 K97 K98 K99
}

/// So many values below `ctx`, under so many keys: the first key once, at the bottom, and the others in
/// turn above it.
pub(crate) fn layers(ctx: &Context, layers: usize, keys: usize) -> Context {
    let others = KEYS[1.min(keys - 1)..keys].iter().cycle();
    let order = KEYS.iter().take(1).chain(others);
    (0_u64..)
        .zip(order)
        .take(layers)
        .fold(ctx.clone(), |ctx, (n, key)| ctx.with_value(key, n))
}
