use ctx::ctx_value;

ctx_value! {
    USER: u32;
    USER: String;
}

fn main() {}
