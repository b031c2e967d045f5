use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load((ctx, key): (u32, u32)) -> Result<u32, Cancelled> {
    Ok(ctx + key + one().await)
}

fn main() {}
