use ctx::with_context;

async fn one() -> u32 {
    1
}

#[with_context]
async fn load<E>() -> Result<u32, E> {
    Ok(one().await)
}

fn main() {}
