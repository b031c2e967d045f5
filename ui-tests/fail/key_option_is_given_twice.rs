use ctx::ctx_value;

ctx_value! {
    #[ctx(show)]
    #[ctx(show)]
    USER: String;
}

fn main() {}
