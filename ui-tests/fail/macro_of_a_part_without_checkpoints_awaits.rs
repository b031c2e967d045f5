use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    #[checkpoints(none)]
    {
        macro_rules! twice {
            ($future:expr) => {
                2 * $future.await
            };
        }
        #[checkpoints(between)]
        println!("{}", twice!(one()));
        Ok(twice!(one()))
    }
}

fn main() {}
