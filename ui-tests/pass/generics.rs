#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::{fmt::Display, iter::Sum};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn joined<const N: usize, T>(
    parts: [T; N],
    between: impl Display + Send,
) -> Result<String, Cancelled>
where
    T: Display + Send,
{
    let mut all = String::new();
    for part in parts {
        one().await;
        all = format!("{all}{part}{between}");
    }
    Ok(all)
}

#[derive(Debug)]
struct Broken;

impl From<Cancelled> for Broken {
    fn from(_: Cancelled) -> Self {
        Self
    }
}

struct Bag<T>(Vec<T>);

#[with_context]
impl<T: Copy + Send + Sync + Sum<T>> Bag<T> {
    async fn sum(&self) -> Result<T, Cancelled> {
        one().await;
        Ok(self.0.iter().copied().sum())
    }
}

#[with_context]
async fn any<E: From<Cancelled>>(fail: bool, error: E) -> Result<u32, E> {
    let number = one().await;
    if fail { Err(error) } else { Ok(number) }
}

#[with_context]
async fn dynamic(
    show: &(dyn Display + Sync),
    boxed: Box<dyn Fn(u32) -> u32 + Send + Sync>,
) -> Option<String> {
    Some(format!("{show} {}", boxed(one().await)))
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(joined(&ctx, [1, 2], "-").await.unwrap(), "1-2-");
    assert_eq!(Bag(vec![1, 2]).sum(&ctx).await.unwrap(), 3);
    assert_eq!(any(&ctx, false, Broken).await.unwrap(), 1);
    assert!(any(&ctx, true, Broken).await.is_err());
    assert_eq!(dynamic(&ctx, &7, Box::new(|n| n + 1)).await.unwrap(), "7 2");
    ctx.cancel();
    assert_eq!(
        joined(&ctx, [1, 2], "-").await.unwrap_err().to_string(),
        "context cancelled"
    );
}
