use ctx::ctx_value;

ctx_value! {
    NAME: &'a str;
}

fn main() {}
