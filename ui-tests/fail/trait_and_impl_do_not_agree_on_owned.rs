use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
trait Load {
    async fn load(&self) -> Result<u32, Cancelled>;
}

struct Pool;

#[with_context(owned)]
impl Load for Pool {
    async fn load(&self) -> Result<u32, Cancelled> {
        Ok(one().await)
    }
}

fn main() {}
