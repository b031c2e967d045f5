use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context(checkpoints = none)]
async fn load() -> Result<u32, Cancelled> {
    macro_rules! twice {
        ($future:expr) => {
            2 * $future.await
        };
    }
    #[with_context]
    async fn nested() -> Result<u32, Cancelled> {
        Ok(twice!(one()))
    }
    nested(ctx).await
}

fn main() {}
