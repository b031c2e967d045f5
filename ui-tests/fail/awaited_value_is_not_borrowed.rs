use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

fn takes(_: &u32) {}

#[with_context]
async fn load() -> Result<(), Cancelled> {
    takes(one().await);
    Ok(())
}

fn main() {}
