use ctx::{Cancelled, with_context as annotated};
use tokio::task::yield_now;

struct Service;

#[annotated]
impl Service {
    #[annotated(checkpoints = none)]
    async fn load(&self) -> Result<u32, Cancelled> {
        yield_now().await;
        Ok(7)
    }
}

fn main() {}
