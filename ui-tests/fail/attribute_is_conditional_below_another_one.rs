use ctx::{Cancelled, with_context};
use tokio::task::yield_now;

struct Service;

#[with_context]
impl Service {
    #[cfg_attr(all(), with_context(checkpoints = none))]
    async fn load(&self) -> Result<u32, Cancelled> {
        yield_now().await;
        Ok(7)
    }
}

fn main() {}
