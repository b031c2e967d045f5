#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use std::{pin::pin, time::Duration};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn sum(numbers: impl Stream<Item = u32> + Send) -> Result<u32, Cancelled> {
    let mut numbers = pin!(numbers);
    let mut sum = 0;
    while let Some(number) = numbers.next().await {
        sum += number + one().await;
    }
    Ok(sum)
}

#[with_context]
async fn buffered(to: u32) -> Result<Vec<u32>, Cancelled> {
    stream::iter(0..to)
        .map(|number| #[with_context]
        async move {
            Ok::<u32, Cancelled>(number + one().await)
        })
        .buffer_unordered(4)
        .try_collect()
        .await
}

#[with_context]
async fn forever() -> Result<u32, Cancelled> {
    let mut all = pin!(stream::repeat(1));
    let mut sum = 0_u32;
    while let Some(number) = all.next().await {
        sum = sum.wrapping_add(number);
    }
    Ok(sum)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(sum(&ctx, stream::iter([1, 2, 3])).await.unwrap(), 9);
    assert_eq!(buffered(&ctx, 3).await.unwrap().len(), 3);
    // Awaits that are always ready starve neither the timer nor the canceller.
    let soon = ctx.with_timeout(Duration::from_millis(20));
    let canceller = soon.canceller();
    tokio::spawn(async move { canceller.cancel() });
    assert!(forever(&soon).await.is_err());
}
