#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

struct Text<'a>(&'a str);

#[with_context]
fn first(text: &str) -> &str {
    if ctx.is_cancelled() { "" } else { &text[..1] }
}

#[with_context]
async fn rest(text: &str) -> Result<&str, Cancelled> {
    one().await;
    Ok(&text[1..])
}

#[with_context]
async fn named<'a>(text: &'a str, _: u32) -> Result<&'a str, Cancelled> {
    one().await;
    Ok(text)
}

#[with_context]
async fn wrapped(text: Text<'_>) -> Result<Text<'_>, Cancelled> {
    one().await;
    Ok(text)
}

#[with_context]
async fn mapped(text: &str, map: &'static (dyn Fn(&str) -> &str + Sync)) -> Option<&'static str> {
    one().await;
    (!map(text).is_empty()).then_some("mapped")
}

#[with_context]
async fn slices(text: &mut [u32], by: fn(&u32) -> &u32) -> Option<&mut u32> {
    let at = one().await as usize;
    (by(&text[at]) > &0).then_some(&mut text[at])
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background();
    let owned = "hello".to_owned();
    let (a, b) = {
        let ctx = ctx.with_cancel();
        // The outputs borrow from the text, not from the context.
        (first(&ctx, &owned), rest(&ctx, &owned).await.unwrap())
    };
    assert_eq!((a, b), ("h", "ello"));
    assert_eq!(named(&ctx, &owned, 1).await.unwrap(), "hello");
    assert_eq!(wrapped(&ctx, Text(&owned)).await.unwrap().0, "hello");
    assert_eq!(
        mapped(&ctx, &owned, &|text: &str| text).await,
        Some("mapped")
    );
    let mut numbers = [1, 2];
    *slices(&ctx, &mut numbers, |number| number).await.unwrap() += 1;
    assert_eq!(numbers, [1, 3]);
}
