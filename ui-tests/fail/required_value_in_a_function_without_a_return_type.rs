use ctx::{ctx_value, with_context};

ctx_value! { USER: String; }

#[with_context]
fn greet(#[value] user: &String) {
    println!("hello {user}");
}

fn main() {}
