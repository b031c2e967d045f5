use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

struct Pool;

#[with_context]
impl Pool {
    #[shield]
    async fn close(&self) -> Result<u32, Cancelled> {
        Ok(one().await)
    }
}

fn main() {}
