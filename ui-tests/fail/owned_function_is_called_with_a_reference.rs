use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context(owned)]
async fn load() -> Result<u32, Cancelled> {
    Ok(one().await)
}

#[with_context]
async fn load_all() -> Result<u32, Cancelled> {
    load(ctx).await
}

fn main() {}
