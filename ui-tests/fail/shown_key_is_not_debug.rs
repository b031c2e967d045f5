use ctx::ctx_value;

struct User;

ctx_value! {
    #[ctx(show)]
    USER: User;
}

fn main() {}
