use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

use futures::FutureExt;

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let mut first = Box::pin(one().fuse());
    let number = futures::select! {
        number = first => number,
    };
    Ok(number)
}

fn main() {}
