use ctx::{Cancelled, ctx_value, with_context};

async fn one() -> u32 {
    1
}

use std::time::Duration;

ctx_value! { USER: u32; }

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let ctx = ctx.with_timeout(Duration::from_secs(1)).with_value(&USER, 7);
    let _ = ctx.value(&USER);
    Ok(one().await)
}

fn main() {}
