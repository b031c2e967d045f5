use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

use std::time::Duration;

#[with_context]
#[deny(unused_must_use)]
async fn load() -> Result<u32, Cancelled> {
    ctx.with_timeout(Duration::from_secs(1));
    Ok(one().await)
}

fn main() {}
