use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

mod rt {
    pub use tokio::join;
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let future = one();
    Ok(rt::join!(biased; future).0)
}

fn main() {}
