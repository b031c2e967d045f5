//! A crate that knows ours by another name only: there is no `::ctx` here.

#![forbid(unsafe_code)]
#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx_renamed::{Cancelled, Context, MissingValue, ctx_value, with_context};
use std::{future::Future, pin::Pin, time::Duration};
use tokio_renamed as tokio;

ctx_value! {
    /// The author's.
    USER: String;
    LIMIT: u32 = 7;
}

#[derive(Debug)]
enum AppError {
    Stopped(Cancelled),
    Missing(MissingValue),
}

impl From<Cancelled> for AppError {
    fn from(cancelled: Cancelled) -> Self {
        Self::Stopped(cancelled)
    }
}

impl From<MissingValue> for AppError {
    fn from(missing: MissingValue) -> Self {
        Self::Missing(missing)
    }
}

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context(crate = ctx_renamed)]
async fn load(
    #[value] user: &String,
    #[value(LIMIT)] limit: Option<&u32>,
) -> Result<u32, AppError> {
    let sum = tokio::select! {
        number = one() => number,
    };
    #[shield]
    let (first, second) = tokio::join!(one(), one());
    #[checkpoints(between)]
    let third = one().await;
    let length = u32::try_from(user.len()).unwrap_or(0);
    Ok(sum + first + second + third + length + limit.copied().unwrap_or(0))
}

#[with_context(crate = ctx_renamed, owned, timeout = Duration::from_millis(5))]
async fn wait() -> Result<u32, AppError> {
    std::future::pending::<()>().await;
    Ok(one().await)
}

#[with_context(crate = ctx_renamed)]
fn boxed(number: &u32) -> Pin<Box<dyn Future<Output = Option<u32>> + Send + '_>> {
    Box::pin(async move { Some(*number + one().await) })
}

struct Pool;

#[with_context(crate = ctx_renamed)]
impl Pool {
    async fn number() -> Result<u32, AppError> {
        let (number,) = tokio::try_join!(async { Ok::<u32, AppError>(one().await) })?;
        Ok(number)
    }

    #[with_context(checkpoints = none)]
    async fn alone() -> u32 {
        one().await
    }
}

macro_rules! define {
    ($name:ident, $number:expr) => {
        #[with_context(crate = ctx_renamed)]
        async fn $name() -> Result<u32, AppError> {
            Ok($number + one().await + u32::from(ctx.is_cancelled()))
        }
    };
}

define!(two, 1);

fn run<F: Future>(future: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(future)
}

#[test]
fn the_crate_is_found_under_its_other_name() {
    run(async {
        let ctx = Context::background().with_cancel();
        assert!(
            matches!(load(&ctx).await, Err(AppError::Missing(missing)) if missing.key() == "USER")
        );
        let ctx = ctx.with_value(&USER, "ada".to_owned()).with_cancel();
        assert_eq!(load(&ctx).await.unwrap(), 14);
        assert_eq!(boxed(&ctx, &1).await, Some(2));
        assert_eq!(
            Pool::number(&ctx).await.unwrap() + Pool::alone(&ctx).await,
            2
        );
        assert_eq!(two(&ctx).await.unwrap(), 2);
        let stopped = wait(ctx.clone()).await;
        assert!(matches!(stopped, Err(AppError::Stopped(why)) if why.is_deadline_exceeded()));
        ctx.cancel();
        assert!(load(&ctx).await.is_err() && two(&ctx).await.is_err());
    });
}
