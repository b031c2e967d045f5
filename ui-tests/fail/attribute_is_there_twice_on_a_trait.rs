use ctx::{Cancelled, with_context};

#[with_context]
#[ctx::with_context]
trait Load {
    async fn load(&self, key: u32) -> Result<u32, Cancelled>;
}

struct Pool;

#[with_context]
impl Load for Pool {
    async fn load(&self, key: u32) -> Result<u32, Cancelled> {
        Ok(key)
    }
}

fn main() {}
