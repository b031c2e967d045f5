use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    tokio::select! {
        _ = one(), if 5 => {}
    }
    Ok(1)
}

fn main() {}
