use ctx::ctx_value;

use std::cell::Cell;

ctx_value! {
    HITS: Cell<u32>;
}

fn main() {}
