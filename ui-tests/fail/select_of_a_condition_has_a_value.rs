use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    if true {
        tokio::select! {
            number = one() => number.count_ones(),
            _ = one() => 3,
        }
    }
    Ok(1)
}

fn main() {}
