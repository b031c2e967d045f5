use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

mod rt {
    pub use tokio::select;
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let number = one().await;
    Ok(rt::select! { else => number })
}

fn main() {}
