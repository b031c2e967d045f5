use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load(key: &str) -> Result<u32, Cancelled> {
    Ok(key.len() as u32 + one().await)
}

#[with_context]
async fn load_all() -> Result<u32, Cancelled> {
    load("key", ctx).await
}

fn main() {}
