use ctx::{Cancelled, ctx_value, with_context};

async fn one() -> u32 {
    1
}

ctx_value! { USER: u32; }

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    #[value]
    let user = one().await;
    Ok(user)
}

fn main() {}
