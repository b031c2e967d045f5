//! A request with a deadline, values that travel with it, and a cleanup that its end does not interrupt.
//!
//! ```text
//! cargo run --example request
//! ```
//!
//! The request has 200 ms and asks two services. The second one is too slow: the deadline ends the wait,
//! the error travels up through `?`, and on the way the reservation is given back, although the context
//! of the request has ended by then.

use ctx::{Cancelled, Context, ctx_value, with_context};
use std::time::Duration;
use tokio::time::sleep;

ctx_value! {
    /// Who asks. `show` lets `Debug` print it; without it a value is never printed.
    #[ctx(show)]
    USER: &'static str;
    /// The language of the answer: a key with a default always has a value.
    LANGUAGE: &'static str = "en";
}

#[tokio::main]
async fn main() {
    let server = Context::background().with_cancel();
    // Values first, the scope last: a scope ends when it is dropped, and a temporary is dropped at once.
    let request = server
        .with_value(&USER, "ada")
        .with_timeout_cause(Duration::from_millis(200), "answer within 200ms");
    println!("the request:  {:?}\n", *request);

    match book(&request, "Lisbon").await {
        Ok(answer) => println!("\nbooked: {answer}"),
        Err(cancelled) => println!("\nnot booked: {}", cancelled.report()),
    }
    println!("the server is cancelled: {}", server.is_cancelled());
}

/// Callers pass a context first; in here it is `ctx`, and every `.await` gives up when it ends.
#[with_context]
pub(crate) async fn book(city: &str) -> Result<String, Cancelled> {
    let room = reserve(ctx, city).await?;
    // Not a checkpoint: one that found the request at its end would return from here, past the cleanup.
    // Those inside `pay` hand their error to the `match`.
    #[checkpoints(none)]
    let paid = pay(ctx, &room).await;
    match paid {
        Ok(receipt) => Ok(receipt),
        Err(cancelled) => {
            // On `ctx` nothing would start any more. Its values without its end are for cleaning up,
            // and the cleanup has a limit of its own.
            let ctx = ctx.without_cancel();
            let ctx = ctx.with_timeout(Duration::from_secs(1));
            give_back(&ctx, &room).await?;
            Err(cancelled)
        }
    }
}

#[with_context]
async fn reserve(city: &str) -> Result<String, Cancelled> {
    sleep(Duration::from_millis(50)).await;
    let left = ctx.remaining().unwrap_or(Duration::MAX).as_millis();
    println!(
        "reserved:     a room in {city} for {}, {left} ms left",
        user(ctx)
    );
    Ok(format!("room 7 in {city}"))
}

/// The bank may take half a second, but the request does not.
#[with_context]
async fn pay(room: &str) -> Result<String, Cancelled> {
    println!("paying:       {room}");
    sleep(Duration::from_millis(500)).await;
    Ok(format!("receipt for {room}"))
}

#[with_context]
async fn give_back(room: &str) -> Result<(), Cancelled> {
    sleep(Duration::from_millis(50)).await;
    let language = ctx.value(&LANGUAGE).unwrap_or(&"?");
    println!(
        "given back:   {room}, and {} is told so in {language:?}",
        user(ctx)
    );
    Ok(())
}

/// What a context carries can be read at any depth, before and after its end.
fn user(ctx: &Context) -> &str {
    ctx.value(&USER).unwrap_or(&"nobody")
}
