use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

mod rt {
    pub mod core {
        macro_rules! vec {
            ($value:expr) => {
                async { $value }
            };
        }
        pub(crate) use vec;
    }
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    Ok(rt::core::vec!(one().await).await)
}

fn main() {}
