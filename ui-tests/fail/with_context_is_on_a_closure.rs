use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let double = #[with_context]
    |number: u32| number * 2;
    Ok(double(one().await))
}

fn main() {}
