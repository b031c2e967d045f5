use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

macro_rules! block {
    ($($body:tt)*) => {{ $($body)* }};
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let number = block! {
        tokio::select! {
            number = one() => number,
        }
    };
    Ok(number)
}

fn main() {}
