use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    macro_rules! first {
        ($($future:expr),*) => {
            tokio::select! { $(number = $future => number),* }
        };
    }
    Ok(first!(one()))
}

fn main() {}
