use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let number: Result<u32, Cancelled> = #[with_context]
    async { Ok(one().await) }.await;
    number
}

fn main() {}
