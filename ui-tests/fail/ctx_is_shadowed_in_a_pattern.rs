use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load(found: Option<String>) -> Result<u32, Cancelled> {
    match found {
        Some(ctx) => Ok(ctx.len() as u32 + one().await),
        None => Ok(one().await),
    }
}

fn main() {}
