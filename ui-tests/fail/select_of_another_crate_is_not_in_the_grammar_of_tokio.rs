use ctx::{Cancelled, with_context};
use tokio::select;

async fn one() -> u32 {
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    select! {
        recv(one()) -> number => drop(number),
    }
    select! { number = one() => Ok(number) }
}

fn main() {}
