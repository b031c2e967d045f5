use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    async fn nested() -> u32 {
        #[shield]
        one().await
    }
    Ok(nested().await)
}

fn main() {}
