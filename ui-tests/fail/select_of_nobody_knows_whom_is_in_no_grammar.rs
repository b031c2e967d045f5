use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

mod rt {
    macro_rules! select {
        (recv($value:expr) -> $got:pat => $then:expr) => {
            match $value {
                $got => $then,
            }
        };
    }
    pub(crate) use select;
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let number = one().await;
    Ok(rt::select! {
        recv(number) -> number => number
    })
}

fn main() {}
