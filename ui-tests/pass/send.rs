#![deny(warnings, clippy::pedantic, clippy::nursery)]
#![allow(clippy::many_single_char_names)]

use ctx::{Cancelled, Context, with_context};
use std::{collections::HashMap, fmt::Debug, rc::Rc};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn iterators(numbers: &HashMap<u32, Vec<u32>>) -> Result<u32, Cancelled> {
    let mut sum = 0;
    for number in numbers
        .values()
        .flat_map(|numbers| numbers.iter())
        .filter(|number| **number > 0)
    {
        sum += number + one().await;
    }
    Ok(sum)
}

#[with_context]
async fn dynamic(show: &(dyn Debug + Send + Sync)) -> Result<usize, Cancelled> {
    one().await;
    Ok(format!("{show:?}").len())
}

#[with_context]
async fn all() -> Result<usize, Cancelled> {
    let numbers = HashMap::from([(1, vec![1, 2])]);
    let (a, b) = tokio::try_join!(dynamic(ctx, &numbers), dynamic(ctx, &1))?;
    let c = tokio::select! {
        number = iterators(ctx, &numbers) => number?,
        number = one() => number,
    };
    #[shield]
    let d = iterators(ctx, &numbers).await?;
    {
        // Dropped before the next await.
        let local = Rc::new(1);
        assert_eq!(*local, 1);
    }
    let e = iterators(&ctx.with_cancel(), &numbers).await?;
    Ok(a + b + usize::try_from(c + d + e).unwrap_or(0))
}

#[with_context]
#[allow(clippy::future_not_send)]
async fn local(number: Rc<u32>) -> Result<u32, Cancelled> {
    Ok(*number + one().await)
}

const fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert!(is_send(all(&ctx)).await.unwrap() > 0);
    // Not Send, and nobody asks.
    assert_eq!(local(&ctx, Rc::new(1)).await.unwrap(), 2);
    let task = tokio::spawn(async move { is_send(all(&ctx)).await.is_ok() });
    assert!(task.await.unwrap());
}
