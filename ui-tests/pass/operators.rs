#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

struct Point {
    x: u32,
    y: u32,
}

async fn numbers() -> Vec<u32> {
    tokio::task::yield_now().await;
    vec![1, 2]
}

async fn borrow(numbers: &mut Vec<u32>) -> &mut Vec<u32> {
    tokio::task::yield_now().await;
    numbers
}

#[with_context]
async fn sum() -> Option<u32> {
    Some(one().await + one().await * one().await)
}

#[with_context]
async fn tail(all: &mut Vec<u32>) -> Option<()> {
    borrow(all).await[0] = one().await + 6;
    borrow(all).await.push(u32::from(one().await == 2));
    *borrow(all).await.last_mut()? += one().await;
    Some(())
}

#[with_context]
async fn compound() -> Result<(Point, bool, Vec<u32>), Cancelled> {
    let point = Point {
        x: one().await,
        ..Point {
            y: one().await + 1,
            x: 0,
        }
    };
    let both = one().await == 1 && !matches!(one().await, 2..) || one().await == 7;
    let range = (one().await..=numbers().await[1]).collect();
    let [a, b] = [one().await, { one().await }];
    let (c, d) = (&one().await, &&one().await);
    let cast = u64::from(one().await) + u64::from(a + b + c + **d);
    assert_eq!(cast, 5);
    assert_eq!(point.x + point.y, 3);
    Ok((point, both, range))
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background();
    assert_eq!(sum(&ctx).await, Some(2));
    let mut all = vec![0];
    tail(&ctx, &mut all).await.unwrap();
    assert_eq!(all, [7, 1]);
    let (point, both, range) = compound(&ctx).await.unwrap();
    assert!(both && point.y == 2 && range == [1, 2]);
}
