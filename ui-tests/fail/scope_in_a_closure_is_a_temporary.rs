use ctx::{Cancelled, ctx_value, with_context};

async fn one() -> u32 {
    1
}

ctx_value! { USER: u32; }

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let user = || {
        let ctx = ctx.with_cancel().with_value(&USER, 7);
        ctx.value(&USER).copied()
    };
    Ok(user().unwrap_or(one().await))
}

fn main() {}
