use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

#[with_context]
#[tokio::main]
async fn main() -> Result<(), Cancelled> {
    one().await;
    if ctx.is_cancelled() {
        return main(ctx);
    }
    Ok(())
}
