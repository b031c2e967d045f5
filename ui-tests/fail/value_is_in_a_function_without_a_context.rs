use ctx::ctx_value;

ctx_value! { USER: String; }

async fn load(#[value] user: &String) -> usize {
    user.len()
}

fn main() {}
