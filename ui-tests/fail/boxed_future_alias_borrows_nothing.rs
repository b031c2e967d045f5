use ctx::{Cancelled, with_context};
use futures::future::BoxFuture;

type RowFuture<T> = BoxFuture<'static, Result<T, Cancelled>>;

async fn one() -> u32 {
    1
}

#[with_context]
fn load(key: u32) -> RowFuture<u32> {
    let more = u32::from(ctx.is_cancelled());
    Box::pin(async move { Ok(key + more + one().await) })
}

#[with_context]
async fn load_all() -> Result<u32, Cancelled> {
    load(ctx, 1).await
}

fn main() {}
