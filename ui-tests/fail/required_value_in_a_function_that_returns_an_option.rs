use ctx::{ctx_value, with_context};

ctx_value! { USER: String; }

#[with_context]
async fn load(#[value] user: &String) -> Option<usize> {
    Some(user.len())
}

fn main() {}
