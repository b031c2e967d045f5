use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load(key: u32) -> Result<u32, Cancelled> {
    tokio::select! {
        number = key => Ok(number),
        number = one() => Ok(number),
    }
}

fn main() {}
