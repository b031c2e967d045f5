use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context(owned)]
async fn load() -> Result<u32, Cancelled> {
    let task = tokio::spawn(async move { ctx.done().await });
    one().await;
    task.abort();
    Ok(1)
}

fn main() {}
