use ctx::{Cancelled, with_context};
use std::time::Duration;

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let mut group = ctx
        .with_timeout(Duration::from_secs(1))
        .group::<u32, Cancelled>()
        .limit(8);
    group.spawn(|_| async { Ok(1) });
    Ok(one().await)
}

fn main() {}
