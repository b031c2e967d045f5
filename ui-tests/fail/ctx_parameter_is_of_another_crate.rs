use ctx::{Cancelled, with_context};

async fn one(_: &str) -> u32 {
    1
}

mod graph {
    pub struct Context<'a>(pub &'a str);
}

#[with_context]
async fn load(ctx: &graph::Context<'_>) -> Result<u32, Cancelled> {
    let name = ctx.0.to_owned();
    let mut sum = one(&name).await;
    sum += one(ctx.0).await + tokio::join!(one(ctx.0), one(ctx.0)).0;
    #[shield]
    {
        sum += one(&name).await;
    }
    tokio::select! {
        number = one("other") => sum += number,
    }
    Ok(sum)
}

fn main() {}
