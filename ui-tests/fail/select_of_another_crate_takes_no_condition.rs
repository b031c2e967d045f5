use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

macro_rules! select {
    ($($number:pat = $future:expr => $then:expr),*; else => $otherwise:expr) => {
        ($($future.await),*)
    };
}

#[with_context]
async fn load(enabled: bool) -> Result<u32, Cancelled> {
    Ok(select! { number = one(), if enabled => number })
}

fn main() {}
