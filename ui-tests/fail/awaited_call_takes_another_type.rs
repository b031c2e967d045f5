use ctx::{Cancelled, with_context};

async fn double(number: u32) -> u32 {
    number * 2
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    Ok(double("seven").await)
}

fn main() {}
