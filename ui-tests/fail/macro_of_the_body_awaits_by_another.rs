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
        #[checkpoints(race)]
        {
            macro_rules! four_times {
                ($future:expr) => {
                    2 * twice!($future)
                };
            }
            Ok(four_times!(one()))
        }
    }
}

fn main() {}
