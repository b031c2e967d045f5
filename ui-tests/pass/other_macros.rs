#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

macro_rules! double {
    ($number:expr) => {
        $number * 2
    };
}

async fn is(answer: bool) -> bool {
    tokio::task::yield_now().await;
    answer
}

#[with_context]
async fn without_awaits() -> Result<u32, Cancelled> {
    let number = one().await;
    tracing::info!(number, "no await in here");
    let later = double!(number);
    let pinned = std::pin::pin!(one());
    let text = concat!("a", "b");
    let words = stringify!(await, join, select { .. } else);
    Ok(later + pinned.await + u32::try_from(text.len() * words.len().min(1)).unwrap_or(0))
}

#[with_context]
async fn left_alone() -> Result<u32, Cancelled> {
    let number = #[checkpoints(none)]
    double!(one().await);
    #[checkpoints(none)]
    let other = double!(one().await);
    #[checkpoints(none)]
    {
        assert!(double!(one().await) == 2 && is(true).await);
    }
    Ok(number + other)
}

mod of_futures {
    use super::{Cancelled, one, with_context};
    use futures::{FutureExt, select};

    #[with_context]
    pub(super) async fn selected() -> Result<u32, Cancelled> {
        let mut first = Box::pin(one().fuse());
        #[checkpoints(none)]
        let number = select! {
            number = first => number,
        };
        #[checkpoints(none)]
        let other = futures::select! {
            number = first => number,
            complete => 2,
        };
        Ok(number + other)
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(without_awaits(&ctx).await.unwrap(), 5);
    assert_eq!(left_alone(&ctx).await.unwrap(), 4);
    ctx.cancel();
    // There is no checkpoint in these.
    assert_eq!(of_futures::selected(&ctx).await.unwrap(), 3);
    assert_eq!(left_alone(&ctx).await.unwrap(), 4);
}
