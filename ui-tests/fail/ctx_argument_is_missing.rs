use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load(key: u32) -> Result<u32, Cancelled> {
    Ok(key + one().await)
}

#[with_context]
async fn load_all() -> Result<u32, Cancelled> {
    load(7).await
}

fn main() {}
