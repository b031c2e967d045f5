use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn longer(first: &str, second: &str) -> Result<&str, Cancelled> {
    Ok(if one().await > 1 { first } else { second })
}

fn main() {}
