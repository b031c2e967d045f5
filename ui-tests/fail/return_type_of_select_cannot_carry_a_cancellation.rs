use ctx::with_context;

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> u32 {
    tokio::select! {
        first = one() => first,
        second = one() => second,
    }
}

fn main() {}
