use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    #[with_context]
    for _ in 0..3 {
        one().await;
    }
    Ok(3)
}

fn main() {}
