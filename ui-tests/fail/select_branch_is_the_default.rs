use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let number = tokio::select! {
        number = one() => number,
        default => 1,
    };
    Ok(number)
}

fn main() {}
