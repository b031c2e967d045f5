#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::{future::Future, pin::Pin};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

/// Functions without a receiver, each annotated for itself.
trait Declares {
    #[with_context]
    async fn awaits() -> Result<u32, Cancelled>;

    #[with_context]
    fn returns() -> impl Future<Output = Result<u32, Cancelled>> + Send;

    #[with_context]
    fn boxes<'a>() -> Pin<Box<dyn Future<Output = Result<u32, Cancelled>> + Send + 'a>>;

    #[with_context]
    fn looks(&self) -> bool;

    /// It might be a function of an `extern` block.
    #[with_context]
    fn remains() -> bool
    where
        Self: Sized;
}

struct Pool;

#[with_context]
impl Declares for Pool {
    async fn awaits() -> Result<u32, Cancelled> {
        Ok(one().await)
    }

    fn returns() -> impl Future<Output = Result<u32, Cancelled>> + Send {
        let two = 2;
        async move { Ok(one().await.min(two)) }
    }

    fn boxes<'a>() -> Pin<Box<dyn Future<Output = Result<u32, Cancelled>> + Send + 'a>> {
        Box::pin(async { Ok(one().await) })
    }

    #[with_context]
    fn looks(&self) -> bool {
        ctx.is_cancelled()
    }

    #[with_context]
    fn remains() -> bool {
        ctx.check().is_ok()
    }
}

#[tokio::test]
async fn each_gets_its_context() {
    let ctx = &Context::background();
    assert_eq!(Pool::awaits(ctx).await.unwrap(), 1);
    assert_eq!(Pool::returns(ctx).await.unwrap(), 1);
    assert_eq!(Pool::boxes(ctx).await.unwrap(), 1);
    assert!(Pool::remains(ctx) && !Pool.looks(ctx));
}
