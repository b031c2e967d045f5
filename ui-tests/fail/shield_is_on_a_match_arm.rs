use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    match one().await {
        #[shield]
        1 => Ok(one().await),
        other => Ok(other),
    }
}

fn main() {}
