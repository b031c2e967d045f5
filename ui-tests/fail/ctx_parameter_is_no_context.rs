use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load(ctx: &str) -> Result<u32, Cancelled> {
    Ok(one().await)
}

fn main() {}
