use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<(), Cancelled> {
    tracing::info!("got {}", one().await);
    Ok(())
}

fn main() {}
