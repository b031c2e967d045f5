use ctx::ctx_value;

use std::rc::Rc;

ctx_value! {
    NAME: Rc<str>;
}

fn main() {}
