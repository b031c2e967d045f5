use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

mod rt {
    pub use tokio::select as join;
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    Ok(rt::join! {
        biased;
        number = one(), if true => number,
        else => 1,
    })
}

fn main() {}
