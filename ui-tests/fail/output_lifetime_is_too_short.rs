use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load(text: &str) -> Result<&str, Cancelled> {
    one().await;
    let kept: &'static str = text;
    Ok(kept)
}

fn main() {}
