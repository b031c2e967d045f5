#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[derive(Default)]
struct List(Vec<u32>);

impl List {
    async fn get(&self, at: usize) -> &u32 {
        tokio::task::yield_now().await;
        &self.0[at]
    }

    async fn get_mut(&mut self, at: usize) -> &mut u32 {
        tokio::task::yield_now().await;
        &mut self.0[at]
    }

    async fn push(&mut self, number: u32) -> &mut Self {
        tokio::task::yield_now().await;
        self.0.push(number);
        self
    }
}

#[with_context]
async fn chain() -> Result<u32, Cancelled> {
    let mut list = List::default();
    list.push(1).await.push(2).await.push(one().await + 2).await;
    // Two-phase borrow.
    list.0
        .push(one().await + u32::try_from(list.0.len()).unwrap_or(0));
    *list.get_mut(0).await += 10;
    let first = &*list.get(0).await;
    let newest = list.get(3).await;
    Ok(*first * 100 + *newest)
}

#[with_context]
async fn through_a_reference(
    future: &mut (dyn Future<Output = u32> + Send + Unpin),
) -> Result<u32, Cancelled> {
    Ok(future.await)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background();
    assert_eq!(chain(&ctx).await.unwrap(), 1104);
    assert_eq!(
        through_a_reference(&ctx, &mut Box::pin(one()))
            .await
            .unwrap(),
        1
    );
}
