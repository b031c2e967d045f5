use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    tokio::select! {
        else => {}
        number = one() => return Ok(number),
    }
    Ok(1)
}

fn main() {}
