use ctx::{Cancelled, with_context};
use std::future::Future;

async fn one() -> u32 {
    1
}

#[with_context]
fn load() -> impl Future<Output = Result<u32, Cancelled>> {
    macro_rules! twice {
        ($future:expr) => {
            2 * $future.await
        };
    }
    async move { Ok(twice!(one())) }
}

fn main() {}
