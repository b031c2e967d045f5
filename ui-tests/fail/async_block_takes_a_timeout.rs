use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

use std::time::Duration;

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let later = #[with_context(timeout = Duration::from_secs(1))]
    async {
        Ok::<u32, Cancelled>(one().await)
    };
    later.await
}

fn main() {}
