use ctx::{Cancelled, with_context};

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let task = tokio::spawn(async move { ctx.done().await });
    task.abort();
    Ok(1)
}

fn main() {}
