use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

mod rt {
    pub use tokio::select as select_biased;
}

#[with_context]
async fn load() -> Result<(), Cancelled> {
    crate::rt::select_biased! {
        _ = one() => {}
    }
    Ok(())
}

fn main() {}
