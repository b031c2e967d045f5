use ctx::with_context;

async fn one() -> u32 {
    1
}

#[with_context]
fn load() -> impl Future<Output = u32> {
    async { one().await + one().await }
}

fn main() {}
