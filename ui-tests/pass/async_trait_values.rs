#![deny(warnings, clippy::pedantic, clippy::nursery)]

use async_trait::async_trait;
use ctx::{Cancelled, Context, MissingValue, ctx_value, with_context};
use std::borrow::Cow;

async fn length(text: &str) -> usize {
    tokio::task::yield_now().await;
    text.len()
}

ctx_value! {
    USER: String;
    LOCALE: &'static str;
    GREETING: Cow<'static, str>;
}

#[derive(Debug)]
enum AppError {
    Stopped,
    Missing,
}

impl From<Cancelled> for AppError {
    fn from(_: Cancelled) -> Self {
        Self::Stopped
    }
}

impl From<MissingValue> for AppError {
    fn from(_: MissingValue) -> Self {
        Self::Missing
    }
}

#[async_trait]
trait Load: Send + Sync {
    #[with_context]
    async fn load(&self, #[value] user: &String, key: &str) -> Result<usize, AppError>;

    #[with_context]
    async fn greet(
        &self,
        #[value] greeting: Option<&Cow<'_, str>>,
        name: Cow<'_, str>,
    ) -> Result<usize, Cancelled>;

    #[with_context]
    async fn locale(
        &self,
        key: &str,
        #[value] mut locale: Option<&&'static str>,
    ) -> Result<usize, Cancelled> {
        let text = locale.take().unwrap_or(&"none");
        Ok(length(text).await + key.len())
    }
}

struct Below;

#[async_trait]
#[with_context]
impl Load for Below {
    async fn load(&self, #[value] user: &String, key: &str) -> Result<usize, AppError> {
        Ok(length(user).await + key.len())
    }

    async fn greet(
        &self,
        #[value] greeting: Option<&Cow<'_, str>>,
        name: Cow<'_, str>,
    ) -> Result<usize, Cancelled> {
        Ok(length(greeting.map_or("", |text| text)).await + name.len())
    }
}

struct Above;

#[with_context]
#[async_trait]
impl Load for Above {
    async fn load(&self, #[value] user: &String, key: &str) -> Result<usize, AppError> {
        Ok(length(user).await + key.len())
    }

    async fn greet(
        &self,
        #[value] greeting: Option<&Cow<'_, str>>,
        name: Cow<'_, str>,
    ) -> Result<usize, Cancelled> {
        Ok(length(greeting.map_or("", |text| text)).await + name.len())
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(Below.locale(&ctx, "key").await.unwrap(), 7);
    for load in [&Below as &dyn Load, &Above] {
        assert!(matches!(
            load.load(&ctx, "key").await,
            Err(AppError::Missing)
        ));
        let scope = ctx.with_value(&USER, "ada".to_owned());
        let scope = scope.with_value(&GREETING, "hello".into()).with_cancel();
        assert_eq!(load.load(&scope, "key").await.unwrap(), 6);
        assert_eq!(load.greet(&scope, "ada".into()).await.unwrap(), 8);
        scope.cancel();
        assert!(matches!(
            load.load(&scope, "key").await,
            Err(AppError::Stopped)
        ));
    }
}
