use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<String, Cancelled> {
    let name: String = one().await;
    Ok(name)
}

fn main() {}
