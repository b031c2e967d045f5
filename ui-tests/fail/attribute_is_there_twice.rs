use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
#[with_context(owned)]
async fn load() -> Result<u32, Cancelled> {
    Ok(one().await)
}

fn main() {}
