use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let ctx = String::new();
    tokio::select! {
        number = one() => Ok(number),
        number = one() => Ok(number),
    }
}

fn main() {}
