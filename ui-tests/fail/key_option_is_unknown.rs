use ctx::ctx_value;

ctx_value! {
    #[ctx(hide)]
    USER: String;
}

fn main() {}
