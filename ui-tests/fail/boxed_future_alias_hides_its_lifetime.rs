use ctx::{Cancelled, with_context};
use futures::future::BoxFuture;

type RowFuture<'a> = BoxFuture<'a, Result<u32, Cancelled>>;

async fn one() -> u32 {
    1
}

struct Table(u32);

#[with_context]
impl Table {
    fn load(&self) -> RowFuture {
        Box::pin(async move { Ok(self.0 + one().await) })
    }
}

#[with_context]
async fn load_all() -> Result<u32, Cancelled> {
    Table(1).load(ctx).await
}

fn main() {}
