use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load(#[shield] key: u32) -> Result<u32, Cancelled> {
    Ok(key + one().await)
}

fn main() {}
