use ctx::with_context;

async fn one() -> u32 {
    1
}

#[with_context]
#[checkpoints(none)]
async fn load() -> u32 {
    one().await
}

fn main() {}
