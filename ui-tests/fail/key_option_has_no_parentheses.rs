use ctx::ctx_value;

ctx_value! {
    #[ctx]
    USER: String;
}

fn main() {}
