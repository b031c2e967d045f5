use ctx::{Cancelled, with_context};

#[with_context]
async fn load(key: u32) -> Result<u32, Cancelled> {
    Ok(key.await)
}

fn main() {}
