#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

mod framework {
    pub mod deps {
        pub use ::ctx as context;
    }
}

use framework::deps::context::with_context;

ctx::ctx_value! {
    USER: String;
}

#[derive(Debug)]
struct AppError;

impl From<Cancelled> for AppError {
    fn from(_: Cancelled) -> Self {
        Self
    }
}

impl From<ctx::MissingValue> for AppError {
    fn from(_: ctx::MissingValue) -> Self {
        Self
    }
}

#[with_context(crate = framework::deps::context)]
async fn load(#[value] user: &String) -> Result<u32, AppError> {
    #[shield]
    let (a, b) = tokio::join!(one(), one());
    let c = tokio::select! {
        number = one() => number,
    };
    Ok(a + b + c + u32::try_from(user.len()).unwrap_or(0) + one().await)
}

#[with_context(crate = framework::deps::context, timeout = std::time::Duration::from_secs(1), owned)]
async fn owned() -> Result<u32, AppError> {
    Ok(one().await)
}

#[with_context(crate = framework::deps::context, owned)]
async fn stops_at_its_await() -> Result<u32, Cancelled> {
    Ok(std::future::pending().await)
}

#[with_context(crate = ::ctx, timeout = std::time::Duration::ZERO)]
async fn ends_by_its_deadline() -> Result<u32, Cancelled> {
    #[shield]
    one().await;
    Ok(std::future::pending().await)
}

/// Nobody can tell whether this `ctx` lives for as long as the function.
#[with_context(crate = framework::deps::context)]
async fn stops_alone() -> Result<u32, Cancelled> {
    let ctx = std::convert::identity(ctx);
    Ok(std::future::pending().await)
}

#[with_context(crate = ::ctx)]
async fn stops_alone_by_a_path_from_the_root() -> Result<u32, Cancelled> {
    let ctx = std::convert::identity(ctx);
    Ok(std::future::pending().await)
}

#[test]
fn calls_stand_where_the_author_wrote() {
    let place = |at: &'static std::panic::Location| (at.line(), at.column());
    let scope = Context::background().with_cancel();
    scope.cancel();
    let scope = scope.with_value(&USER, String::new());
    let run = tokio::runtime::Runtime::new().unwrap();
    let cancelled = run.block_on(stops_alone(&scope)).unwrap_err();
    assert_eq!(cancelled.noticed_at().map(place), Some((68, 31)));
    let cancelled = run.block_on(stops_alone_by_a_path_from_the_root(&scope));
    let noticed = cancelled.unwrap_err().noticed_at();
    assert_eq!(noticed.map(place), Some((74, 31)));
    let cancelled = run.block_on(stops_at_its_await(scope)).unwrap_err();
    assert_eq!(cancelled.noticed_at().map(place), Some((54, 31)));
    let cancelled = run.block_on(ends_by_its_deadline(&Context::background()));
    assert_eq!(place(cancelled.unwrap_err().cancelled_at()), (57, 41));
}

struct Pool;

#[with_context(crate = framework::deps::context)]
impl Pool {
    async fn load() -> Result<u32, AppError> {
        Ok(one().await)
    }

    #[with_context(checkpoints = between)]
    async fn load_between() -> Result<u32, AppError> {
        Ok(one().await)
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert!(load(&ctx).await.is_err());
    let ctx = ctx.with_value(&USER, "ada".to_owned());
    assert_eq!(load(&ctx).await.unwrap(), 7);
    assert_eq!(owned(ctx.clone()).await.unwrap(), 1);
    assert_eq!(
        Pool::load(&ctx).await.unwrap() + Pool::load_between(&ctx).await.unwrap(),
        2
    );
}
