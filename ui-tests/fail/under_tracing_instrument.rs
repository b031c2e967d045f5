use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[tracing::instrument(skip_all)]
#[with_context]
async fn load() -> Result<u32, Cancelled> {
    Ok(one().await)
}

fn main() {}
