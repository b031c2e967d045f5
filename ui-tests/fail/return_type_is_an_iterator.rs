use ctx::with_context;

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> impl Iterator<Item = u32> {
    0..one().await
}

fn main() {}
