#![deny(warnings, clippy::pedantic, clippy::nursery)]
#![allow(clippy::many_single_char_names)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn seven(a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32) -> Result<u32, Cancelled> {
    Ok(a + b + c + d + e + f + g + one().await)
}

struct Pool;

#[with_context]
impl Pool {
    #[allow(clippy::unused_self)]
    async fn six(&self, a: u32, b: u32, c: u32, d: u32, e: u32, f: u32) -> Result<u32, Cancelled> {
        Ok(a + b + c + d + e + f + one().await)
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background();
    assert_eq!(seven(&ctx, 1, 2, 3, 4, 5, 6, 7).await.unwrap(), 29);
    assert_eq!(Pool.six(&ctx, 1, 2, 3, 4, 5, 6).await.unwrap(), 22);
}
