use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

use std::time::Duration;

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let ctx = ctx.with_timeout(Duration::from_secs(1)).clone();
    let _ = ctx.is_cancelled();
    Ok(one().await)
}

fn main() {}
