use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

use std::pin::Pin;

#[with_context]
fn load() -> Pin<Box<dyn Future<Output = Result<u32, Cancelled>> + Send>> {
    Box::pin(async move { Ok(one().await) })
}

#[with_context]
async fn load_all() -> Result<u32, Cancelled> {
    load(ctx).await
}

fn main() {}
