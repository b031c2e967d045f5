#![deny(unused)]
use ctx::{Cancelled, with_context};

#[with_context]
pub async fn load() -> Result<(), Cancelled> {
    #[shield]
    let row = async { 3 }.await;
    Ok(())
}

fn main() {}
