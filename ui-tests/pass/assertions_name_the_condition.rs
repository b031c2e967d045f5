#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::future::ready;

#[with_context]
async fn holds(number: u32) -> Result<(), Cancelled> {
    assert!(ready(number).await > 1,);
    debug_assert!(ready(number).await > 1);
    Ok(())
}

#[with_context]
async fn says_more(number: u32) -> Result<(), Cancelled> {
    assert!(ready(number).await > 1, "{number} is too small");
    Ok(())
}

#[tokio::test]
async fn which_holds() {
    holds(&Context::background(), 2).await.unwrap();
    says_more(&Context::background(), 2).await.unwrap();
}

#[tokio::test]
#[should_panic(expected = "assertion failed: ready(number).await > 1")]
async fn in_the_words_of_the_author() {
    holds(&Context::background(), 1).await.unwrap();
}

#[tokio::test]
#[should_panic(expected = "1 is too small")]
async fn unless_there_is_a_message() {
    says_more(&Context::background(), 1).await.unwrap();
}
