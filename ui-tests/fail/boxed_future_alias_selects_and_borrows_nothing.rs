use ctx::{Cancelled, with_context};
use futures::future::BoxFuture;

type RowFuture = BoxFuture<'static, Result<u32, Cancelled>>;

async fn one() -> u32 {
    1
}

#[with_context]
fn load(key: u32) -> RowFuture {
    Box::pin(async move {
        let number = tokio::select! {
            number = one() => number,
        };
        Ok(key + number)
    })
}

#[with_context]
async fn load_all() -> Result<u32, Cancelled> {
    load(ctx, 1).await
}

fn main() {}
