use ctx::{Cancelled, with_context};
use std::time::Duration;

async fn one() -> u32 {
    1
}

#[with_context]
async fn load(limit: Option<Duration>) -> Result<u32, Cancelled> {
    let ctx = match limit {
        Some(limit) => ctx.with_timeout(limit).clone(),
        None => ctx.clone(),
    };
    Ok(one().await)
}

fn main() {}
