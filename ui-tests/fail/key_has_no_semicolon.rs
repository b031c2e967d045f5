use ctx::ctx_value;

ctx_value! {
    USER: String
    LOCALE: String;
}

fn main() {}
