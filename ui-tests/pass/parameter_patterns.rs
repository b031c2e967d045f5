#![deny(warnings, clippy::pedantic, clippy::nursery)]
#![allow(clippy::many_single_char_names)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

struct Point {
    x: u32,
    y: u32,
}

#[with_context]
async fn sum(
    (a, mut b): (u32, u32),
    [first, .., last]: [u32; 4],
    _: &str,
    mut c: u32,
    Point { x, y: z }: Point,
    &d: &u32,
) -> Result<u32, Cancelled> {
    b += one().await;
    c += b;
    Ok(a + b + c + first + last + x + z + d)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background();
    let point = Point { x: 100, y: 200 };
    assert_eq!(
        sum(&ctx, (1, 2), [10, 0, 0, 20], "", 3, point, &1000)
            .await
            .unwrap(),
        1340
    );
}
