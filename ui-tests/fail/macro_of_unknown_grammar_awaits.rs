use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

macro_rules! double {
    ($number:expr) => {
        $number * 2
    };
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    Ok(double!(one().await))
}

fn main() {}
