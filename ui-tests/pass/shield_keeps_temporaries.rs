#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, ctx_value, with_context};

ctx_value! {
    USER: String;
}

async fn first(text: &str) -> &str {
    tokio::task::yield_now().await;
    &text[..1]
}

#[with_context]
async fn same_statement(key: u32) -> Result<usize, Cancelled> {
    let length = #[shield]
    first(&key.to_string()).await.len();
    Ok(length)
}

#[with_context]
async fn from_the_context() -> Result<usize, Cancelled> {
    #[shield]
    let user = ctx.value(&USER);
    first("a").await;
    Ok(user.map_or(0, String::len))
}

#[with_context]
async fn extended(key: u32) -> Result<usize, Cancelled> {
    #[shield]
    let text = &first(&key.to_string()).await.to_owned();
    first("a").await;
    Ok(text.len())
}

#[with_context]
async fn with_else(key: &str) -> Result<&str, Cancelled> {
    #[shield]
    let Some(rest) = first(key).await.strip_prefix('a') else {
        return Ok("else");
    };
    Ok(rest)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_value(&USER, "ada".to_owned());
    assert_eq!(same_statement(&ctx, 12).await.unwrap(), 1);
    assert_eq!(from_the_context(&ctx).await.unwrap(), 3);
    assert_eq!(extended(&ctx, 12).await.unwrap(), 1);
    assert_eq!(with_else(&ctx, "b").await.unwrap(), "else");
    assert_eq!(with_else(&ctx, "a").await.unwrap(), "");
}
