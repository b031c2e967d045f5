use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    #[checkpoints(none)]
    {
        macro_rules! dbg {
            ($future:expr) => {
                2 * $future.await
            };
        }
        #[checkpoints(race)]
        Ok(dbg!(one()))
    }
}

fn main() {}
