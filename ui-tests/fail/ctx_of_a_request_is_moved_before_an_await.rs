use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    1
}

struct Request<'a>(&'a Context);

#[with_context]
async fn load(ctx: &Request<'_>) -> Result<u32, Cancelled> {
    let ctx = ctx.0.clone();
    drop(ctx);
    Ok(one().await)
}

fn main() {}
