use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    macro_rules! twice {
        ($future:expr) => {
            2 * $future.await
        };
    }
    Ok(twice!(one()))
}

fn main() {}
