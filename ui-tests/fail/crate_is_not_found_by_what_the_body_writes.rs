use ctx::{Cancelled, Context, MissingValue, ctx_value, with_context};

ctx_value! {
    LIMIT: u32;
}

struct AppError;

impl From<Cancelled> for AppError {
    fn from(_: Cancelled) -> Self {
        Self
    }
}

impl From<MissingValue> for AppError {
    fn from(_: MissingValue) -> Self {
        Self
    }
}

async fn one() -> u32 {
    1
}

#[with_context(crate = nowhere::to_be_found, timeout = std::time::Duration::from_secs(1))]
async fn load(#[value] limit: &u32) -> Result<u32, AppError> {
    #[shield]
    one().await;
    let (a,) = tokio::join!(one());
    let b = tokio::try_join!(async { Ok::<_, AppError>(one().await) })?.0;
    let c = tokio::select! {
        number = one() => number,
    };
    let ctx = ctx.with_cancel();
    let d = one().await;
    dbg!(one().await);
    assert!(one().await == 1);
    ctx.cancel();
    Ok(a + b + c + d + limit)
}


async fn calls(ctx: &Context) {
    drop(load(ctx).await);
}

fn main() {}
