use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    1
}

#[with_context(checkpoints = none owned)]
async fn load() -> u32 {
    one().await
}

#[with_context]
async fn load_all() -> Result<u32, Cancelled> {
    let ctx: Context = ctx.clone();
    Ok(load(ctx).await)
}

fn main() {}
