use ctx::{Cancelled, with_context};
use std::time::Duration;

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let done = ctx.with_timeout(Duration::from_secs(1)).done_owned();
    tokio::spawn(done);
    Ok(one().await)
}

fn main() {}
