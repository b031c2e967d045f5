#![deny(unused)]
use ctx::{MissingValue, ctx_value, with_context};

ctx_value! { pub USER: String; }

#[with_context]
pub fn load(#[value] user: &String) -> Result<(), MissingValue> {
    Ok(())
}

fn main() {}
