use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let number = tokio::select! {
        number = one() => number,
        else => "none",
    };
    Ok(number)
}

fn main() {}
