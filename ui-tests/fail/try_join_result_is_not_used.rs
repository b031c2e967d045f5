#![deny(unused_must_use)]
use ctx::{Cancelled, with_context};

#[with_context]
async fn save() -> Result<u32, Cancelled> {
    tokio::task::yield_now().await;
    Ok(1)
}

#[with_context]
async fn both() -> Result<(), Cancelled> {
    tokio::try_join!(save(ctx), save(ctx));
    Ok(())
}

fn main() {
    let _ = both;
}
