use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

trait Load {
    async fn load(&self, key: u32) -> Result<u32, Cancelled>;
}

struct Pool;

#[with_context]
impl Load for Pool {
    async fn load(&self, key: u32) -> Result<u32, Cancelled> {
        Ok(key + one().await)
    }
}

fn main() {}
