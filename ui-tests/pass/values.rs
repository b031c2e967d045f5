#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, MissingValue, ctx_value, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

mod keys {
    ctx::ctx_value! {
        pub LOCALE: &'static str = "en";
        pub TENANT: u32;
    }
}

ctx_value! {
    USER: String;
    DEPTH: u32;
}

#[derive(Debug)]
enum AppError {
    Stopped,
    Missing(&'static str),
}

impl From<Cancelled> for AppError {
    fn from(_: Cancelled) -> Self {
        Self::Stopped
    }
}

impl From<MissingValue> for AppError {
    fn from(missing: MissingValue) -> Self {
        Self::Missing(missing.key())
    }
}

#[with_context]
async fn required(key: u32, #[value] user: &String) -> Result<usize, AppError> {
    Ok(user.len() + usize::try_from(key + one().await).unwrap_or(0))
}

#[with_context]
async fn by_path(
    #[value(keys::LOCALE)] locale: &&'static str,
    #[value(crate_keys::TENANT)] tenant: Option<&u32>,
) -> Result<String, AppError> {
    one().await;
    Ok(format!("{locale}{tenant:?}"))
}

use keys as crate_keys;

#[with_context]
fn in_a_sync_function(#[value] user: &str_of::User) -> Result<usize, AppError> {
    Ok(user.len() + usize::from(ctx.is_cancelled()))
}

mod str_of {
    pub type User = String;
}

#[with_context]
async fn optional(
    #[value] user: Option<&String>,
    #[value(DEPTH)] depth: std::option::Option<&u32>,
) -> Option<usize> {
    one().await;
    Some(user.map_or(0, String::len) + usize::try_from(*depth.unwrap_or(&0)).unwrap_or(0))
}

#[with_context]
fn no_result_needed(#[value] user: Option<&String>) -> usize {
    user.map_or(0, String::len)
}

/// Who does not use a value still says that it must be there.
#[with_context]
fn only_there(
    #[value] _user: &String,
    #[value(DEPTH)] _depth: Option<&u32>,
) -> Result<(), AppError> {
    Ok(())
}

macro_rules! number {
    ($name:ident, $type:ty) => {
        #[with_context]
        fn $name(#[value(DEPTH)] depth: Option<$type>) -> Option<u32> {
            depth.copied()
        }
    };
}

number!(in_a_macro, &u32);

/// The parameter from the context does not count when lifetimes are elided.
#[with_context]
async fn elided(text: &str, #[value] user: &String) -> Result<&str, AppError> {
    one().await;
    Ok(&text[user.len()..])
}

struct Pool(u32);

#[with_context]
impl Pool {
    async fn load(
        &self,
        #[value(USER)] mut name: &String,
        other: &String,
    ) -> Result<usize, AppError> {
        one().await;
        if self.0 == 0 {
            name = other;
        }
        Ok(name.len())
    }
}

#[with_context(timeout = std::time::Duration::from_secs(1), owned)]
async fn owned(#[value] user: &String) -> Result<usize, AppError> {
    one().await;
    Ok(user.len())
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert!(matches!(
        required(&ctx, 1).await,
        Err(AppError::Missing("USER"))
    ));
    assert!(matches!(
        in_a_sync_function(&ctx),
        Err(AppError::Missing("USER"))
    ));
    assert_eq!(by_path(&ctx).await.unwrap(), "enNone");
    assert_eq!(optional(&ctx).await, Some(0));
    assert_eq!(no_result_needed(&ctx), 0);
    assert!(matches!(only_there(&ctx), Err(AppError::Missing("USER"))));
    let ctx = ctx
        .with_value(&USER, "ada".to_owned())
        .with_value(&keys::TENANT, 7)
        .with_value(&DEPTH, 2);
    assert_eq!(required(&ctx, 1).await.unwrap(), 5);
    assert_eq!(in_a_sync_function(&ctx).unwrap(), 3);
    assert_eq!(by_path(&ctx).await.unwrap(), "enSome(7)");
    assert_eq!(optional(&ctx).await, Some(5));
    assert_eq!(in_a_macro(&ctx), Some(2));
    assert!(only_there(&ctx).is_ok());
    assert_eq!(elided(&ctx, "abcd").await.unwrap(), "d");
    assert_eq!(Pool(0).load(&ctx, &"grace".to_owned()).await.unwrap(), 5);
    assert_eq!(owned(ctx.clone()).await.unwrap(), 3);
    let ended = ctx.with_cancel();
    ended.cancel();
    assert!(matches!(required(&ended, 1).await, Err(AppError::Stopped)));
}
