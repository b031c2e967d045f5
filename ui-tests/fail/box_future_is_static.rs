use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

use futures::future::BoxFuture;

struct Pool;

#[with_context]
impl Pool {
    fn load(&self) -> BoxFuture<'static, Result<u32, Cancelled>> {
        Box::pin(async move { Ok(one().await) })
    }
}

#[with_context]
async fn load_all() -> Result<u32, Cancelled> {
    Pool.load(ctx).await
}

fn main() {}
