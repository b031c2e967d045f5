use ctx::ctx_value;

ctx_value! {
    LIMIT: u32 = "many";
}

fn main() {}
