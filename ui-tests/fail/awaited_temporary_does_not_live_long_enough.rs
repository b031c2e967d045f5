use ctx::{Cancelled, with_context};

async fn first(text: &str) -> &str {
    text
}

#[with_context]
async fn load(key: u32) -> Result<usize, Cancelled> {
    let text = first(&key.to_string()).await;
    Ok(text.len())
}

fn main() {}
