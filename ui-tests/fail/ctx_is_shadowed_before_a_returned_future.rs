use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
fn load() -> impl Future<Output = Result<u32, Cancelled>> {
    let ctx = 5_u32;
    async move { Ok(one().await) }
}

fn main() {}
