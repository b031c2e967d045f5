use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

use futures::{FutureExt, select};

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let mut first = Box::pin(one().fuse());
    Ok(select! { number = first => number })
}

fn main() {}
