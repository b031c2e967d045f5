use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

mod rt {
    pub use tokio::join;
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    Ok(rt::join!(one()).0)
}

fn main() {}
