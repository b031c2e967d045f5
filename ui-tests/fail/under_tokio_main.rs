use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[tokio::main]
#[with_context]
async fn main() -> Result<(), Cancelled> {
    one().await;
    Ok(())
}
