#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn outer() -> Result<u32, Cancelled> {
    const LIMIT: u32 = {
        const fn seven() -> u32 {
            7
        }
        seven()
    };
    struct Inner(u32);

    impl Inner {
        async fn get(&self) -> u32 {
            self.0 + one().await
        }
    }

    #[with_context]
    impl Inner {
        async fn checked(&self) -> Result<u32, Cancelled> {
            Ok(self.0 + one().await)
        }
    }

    async fn plain() -> u32 {
        one().await
    }

    #[with_context]
    async fn annotated() -> Option<u32> {
        Some(one().await)
    }

    let inner = Inner(LIMIT);
    let array = [0; { 1 + 1 }];
    let constant = const { 1 + 1 };
    Ok(inner.get().await
        + inner.checked(ctx).await?
        + plain().await
        + annotated(ctx).await.unwrap_or(0)
        + array[0]
        + constant)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(outer(&ctx).await.unwrap(), 20);
    ctx.cancel();
    assert!(outer(&ctx).await.is_err());
}
