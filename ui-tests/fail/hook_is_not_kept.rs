use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
#[deny(unused_must_use)]
async fn load() -> Result<u32, Cancelled> {
    ctx.on_cancel(|cancelled| println!("{cancelled}"));
    Ok(one().await)
}

fn main() {}
