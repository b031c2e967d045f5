use ctx::{Cancelled, ctx_value, with_context};

async fn one() -> u32 {
    1
}

ctx_value! { USER: u32; }

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    fn nested(#[value] user: &u32) -> u32 {
        *user
    }
    Ok(nested(&1) + one().await)
}

fn main() {}
