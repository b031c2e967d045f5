use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let (first, second) = tokio::join!(one(), 2_u32);
    Ok(first + second)
}

fn main() {}
