use ctx::{Cancelled, with_context};
use std::time::Duration;

async fn one() -> u32 {
    1
}

#[with_context]
async fn load(hurry: bool) -> Result<u32, Cancelled> {
    let ctx = if hurry {
        ctx.with_timeout(Duration::from_secs(1)).clone()
    } else {
        ctx.clone()
    };
    Ok(one().await)
}

fn main() {}
