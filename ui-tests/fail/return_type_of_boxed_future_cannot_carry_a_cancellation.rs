use ctx::with_context;

async fn one() -> u32 {
    1
}

use std::pin::Pin;

#[with_context]
fn load<'a>(key: &'a u32) -> Pin<Box<dyn Future<Output = u32> + 'a>> {
    Box::pin(async move { *key + one().await + one().await })
}

fn main() {}
