use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

use futures::{FutureExt, select};

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let mut first = Box::pin(one().fuse());
    loop {
        select! {
            number = first => return Ok(number),
            complete => return Ok(0),
        }
    }
}

fn main() {}
