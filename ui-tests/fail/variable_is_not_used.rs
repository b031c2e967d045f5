use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
#[deny(unused_variables)]
async fn load() -> Result<(), Cancelled> {
    let number = one().await;
    Ok(())
}

fn main() {}
