use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let later = #[with_context]
    async {
        one().await;
        one().await
    };
    Ok(later.await)
}

fn main() {}
