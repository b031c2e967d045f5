use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let mut number = 0;
    if number == 0 {
        #[shield]
        number = one().await;
    }
    Ok(number)
}

fn main() {}
