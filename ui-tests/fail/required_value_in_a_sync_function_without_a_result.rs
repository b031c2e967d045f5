use ctx::{ctx_value, with_context};

ctx_value! { USER: String; }

#[with_context]
fn length(#[value] user: &String) -> usize {
    user.len()
}

fn main() {}
