use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let double = |#[value] user: u32| user * 2;
    Ok(double(one().await))
}

fn main() {}
