use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let ctx = &mut std::task::Context::from_waker(std::task::Waker::noop());
    let _ = ctx.waker();
    Ok(one().await)
}

fn main() {}
