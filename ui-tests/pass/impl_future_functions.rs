#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::{pin::Pin, time::Duration};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
fn eager(number: u32) -> impl Future<Output = Result<u32, Cancelled>> + Send {
    let doubled = number * 2;
    async move { Ok(doubled + one().await) }
}

#[with_context]
fn borrowing(text: &str) -> impl Future<Output = Option<usize>> {
    let length = text.len();
    async move {
        one().await;
        Some(length)
    }
}

#[with_context]
fn on_a_budget(number: u32) -> impl Future<Output = Result<u32, Cancelled>> + Send {
    let ctx = ctx.with_timeout(Duration::from_secs(1));
    async move { Ok(number + one().await + one().await) }
}

#[with_context]
fn on_a_copy(number: u32) -> Pin<Box<dyn Future<Output = Result<u32, Cancelled>> + Send + '_>> {
    let ctx = ctx.clone();
    Box::pin(async move {
        let number = number + one().await;
        drop(ctx);
        Ok(number)
    })
}

#[with_context]
fn on_what_a_macro_takes() -> impl Future<Output = Result<u32, Cancelled>> {
    let ctx = ctx.clone();
    macro_rules! take {
        () => {
            drop(ctx)
        };
    }
    async move {
        let number = one().await;
        take!();
        Ok(number)
    }
}

struct Pool(u32);

impl Pool {
    #[with_context]
    fn captures(&self) -> impl Future<Output = Result<u32, Cancelled>> + Send + use<'_> {
        let number = &self.0;
        async move { Ok(number + one().await) }
    }

    #[with_context]
    fn captures_two<'a, 'b, T: Clone + Sync>(
        &'a self,
        value: &'b T,
    ) -> impl Future<Output = Option<(u32, T)>> + use<'a, 'b, T> {
        let number = self.0 * 1_u32.pow(2);
        async move { Some((number + one().await, value.clone())) }
    }

    #[with_context]
    fn load(&self) -> impl Future<Output = Result<u32, Cancelled>> {
        let number = self.0 * 1_u32.pow(2);
        async move { Ok(number + one().await) }
    }
}

trait Load {
    #[with_context]
    fn load_all(&self) -> impl Future<Output = Result<u32, Cancelled>> + Send;
}

impl Load for Pool {
    #[with_context]
    async fn load_all(&self) -> Result<u32, Cancelled> {
        Ok(self.0 + one().await)
    }
}

#[with_context]
fn sync_iterator(to: u32) -> impl Iterator<Item = u32> {
    let end = if ctx.is_cancelled() { 0 } else { to };
    0..end
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(eager(&ctx, 3).await.unwrap(), 7);
    assert_eq!(on_a_budget(&ctx, 3).await.unwrap(), 5);
    assert_eq!(on_a_copy(&ctx, 3).await.unwrap(), 4);
    assert_eq!(on_what_a_macro_takes(&ctx).await.unwrap(), 1);
    assert_eq!(borrowing(&ctx, "abc").await, Some(3));
    assert_eq!(Pool(2).load(&ctx).await.unwrap(), 3);
    assert_eq!(Pool(2).load_all(&ctx).await.unwrap(), 3);
    assert_eq!(Pool(2).captures(&ctx).await.unwrap(), 3);
    assert_eq!(Pool(2).captures_two(&ctx, &'x').await, Some((3, 'x')));
    assert_eq!(sync_iterator(&ctx, 3).count(), 3);
    ctx.cancel();
    assert!(eager(&ctx, 3).await.is_err());
    assert!(on_a_budget(&ctx, 3).await.is_err());
    assert!(Pool(2).load(&ctx).await.is_err());
}
