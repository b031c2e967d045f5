use ctx::ctx_value;

ctx_value! {
    pub USER;
}

fn main() {}
