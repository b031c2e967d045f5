use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

struct Pool;

#[with_context]
impl Pool {
    async fn close(&self) {
        one().await;
        one().await;
    }

    async fn load(&self) -> Result<u32, Cancelled> {
        Ok(one().await)
    }
}

fn main() {}
