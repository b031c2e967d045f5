use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

fn nothing() {}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    macro_rules! run {
        ($future:expr) => {
            match nothing as fn() {
                run => {
                    run();
                    $future.await
                }
            }
        };
    }
    Ok(run!(one()))
}

fn main() {}
