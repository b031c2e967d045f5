use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

macro_rules! last {
    ($(fn $name:ident();)* $value:expr) => {
        $value
    };
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    macro_rules! declared {
        ($future:expr) => {
            last!(fn load(); $future.await)
        };
    }
    Ok(declared!(one()))
}

fn main() {}
