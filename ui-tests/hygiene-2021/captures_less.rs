//! A crate of edition 2021 whose functions return an `impl` that borrows less than it would in edition 2024.

#![forbid(unsafe_code)]
#![deny(warnings, clippy::pedantic, clippy::nursery)]

extern crate ctx_renamed as ctx;
extern crate tokio_renamed as tokio;

use ctx::{Cancelled, Context, with_context};
use std::{
    fmt::Display,
    future::{Future, ready},
};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

/// The context goes along, and the text does not.
#[with_context(owned)]
fn spawnable(text: &str) -> impl Future<Output = Result<usize, Cancelled>> + Send {
    let length = text.len();
    async move {
        one().await;
        Ok(length)
    }
}

/// Nothing of ours is in it.
#[with_context]
fn without_a_block(number: u32) -> impl Future<Output = u32> + Send {
    ready(number)
}

/// What comes out of the future is not the future.
#[with_context]
fn nested(text: &str) -> impl Future<Output = Result<impl Display, Cancelled>> {
    let length = text.len();
    async move {
        one().await;
        Ok(length)
    }
}

fn run<F: Future>(future: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(future)
}

#[test]
fn an_owned_context_is_all_that_a_future_takes_along() {
    run(async {
        let task = {
            let text = String::from("abc");
            tokio::spawn(spawnable(Context::background(), &text))
        };
        assert_eq!(task.await.expect("no panic").unwrap(), 3);
    });
}

#[test]
fn what_is_no_future_of_ours_takes_no_context_along() {
    run(async {
        let (future, value) = {
            let ctx = Context::background().with_cancel();
            (without_a_block(&ctx, 1), nested(&ctx, "abc").await.unwrap())
        };
        assert_eq!(future.await, 1);
        assert_eq!(value.to_string(), "3");
    });
}
