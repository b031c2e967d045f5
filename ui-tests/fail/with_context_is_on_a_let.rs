use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    #[with_context]
    let number = one().await;
    Ok(number)
}

fn main() {}
