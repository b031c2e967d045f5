use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let later = #[with_context]
    async |number: u32| -> u32 {
        one().await;
        number + one().await
    };
    Ok(later(1).await)
}

fn main() {}
