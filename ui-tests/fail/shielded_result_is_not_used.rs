use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
#[deny(unused_must_use)]
async fn load() -> Result<u32, Cancelled> {
    #[shield]
    save(ctx).await;
    Ok(one().await)
}

#[with_context]
async fn save() -> Result<(), Cancelled> {
    one().await;
    Ok(())
}

fn main() {}
