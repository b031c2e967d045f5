use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let (first, second, third) = tokio::join!(one(), one());
    Ok(first + second + third)
}

fn main() {}
