use ctx::ctx_value;

ctx_value! {
    pub static USER: String;
}

fn main() {}
