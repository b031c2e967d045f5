use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    #[shield]
    const NUMBER: u32 = 7;
    Ok(NUMBER + one().await)
}

fn main() {}
