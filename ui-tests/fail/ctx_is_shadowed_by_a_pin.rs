use ctx::{Cancelled, with_context};
use std::time::Duration;
use tokio::pin;

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    pin! {
        let ctx = ctx.with_timeout(Duration::from_secs(1));
    }
    Ok(one().await)
}

fn main() {}
