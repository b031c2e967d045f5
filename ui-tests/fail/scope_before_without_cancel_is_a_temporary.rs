use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let ctx = ctx.with_cancel().without_cancel();
    let _ = ctx.is_cancelled();
    Ok(one().await)
}

fn main() {}
