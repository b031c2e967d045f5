use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let number: u32 = tokio::select! {
        number = one() => number.to_string(),
    };
    Ok(number)
}

fn main() {}
