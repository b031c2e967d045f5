use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

macro_rules! repeat {
    ($($body:tt)*) => {
        for _ in 0..2 { $($body)* }
    };
}

#[with_context]
async fn load() -> Result<(), Cancelled> {
    repeat! {
        one().await;
        one().await;
    }
    Ok(())
}

fn main() {}
