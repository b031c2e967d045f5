use ctx::with_context;

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Vec<(u32, String)> {
    let first = one().await;
    let second = one().await;
    vec![(first, "first".to_owned()), (second, one().await.to_string())]
}

fn main() {}
