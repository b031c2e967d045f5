use ctx::with_context;

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() {
    one().await;
    one().await;
}

fn main() {}
