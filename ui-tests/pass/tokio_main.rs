#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    Ok(one().await)
}

#[with_context]
#[tokio::main]
#[cfg_attr(test, test)]
async fn main() -> Result<(), Cancelled> {
    let ctx: &Context = ctx;
    assert_eq!(load(ctx).await? + one().await, 2);
    Ok(())
}
