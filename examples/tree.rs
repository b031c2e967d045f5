//! A cancellation goes down the tree of contexts: not up, and not sideways.
//!
//! ```text
//! cargo run --example tree
//! ```
//!
//! ```text
//! server
//! ├── request 1
//! │   ├── query
//! │   └── render
//! └── request 2
//! ```

use ctx::{CancelScope, Cancelled, Context, with_context};
use std::future::pending;
use tokio::task::JoinHandle;

#[tokio::main]
async fn main() {
    let server = Context::background().with_cancel();
    let first = server.with_cancel();
    let query = first.with_cancel();
    let render = first.with_cancel();
    let second = server.with_cancel();
    let tree = [
        ("server", &server),
        ("├── request 1", &first),
        ("│   ├── query", &query),
        ("│   └── render", &render),
        ("└── request 2", &second),
    ];
    print("in the beginning", &tree);

    // Two tasks wait for something that never comes. Each has a leaf of the tree for its context.
    let querying = work(&query);
    let rendering = work(&render);

    query.cancel_with("the row is locked");
    print(
        "query is cancelled: neither its parent nor its sibling notices",
        &tree,
    );
    told("query", querying).await;

    first.cancel_with("the client hung up");
    print(
        "request 1 is cancelled: what is below it ends, request 2 goes on",
        &tree,
    );
    told("render", rendering).await;

    // The first cancellation wins, so `query` still says why it was the first to go.
    server.cancel_with("shutdown");
    print(
        "the server is cancelled: all is over, and each knows why",
        &tree,
    );
}

fn print(what: &str, tree: &[(&str, &CancelScope)]) {
    println!("{what}");
    for (name, ctx) in tree {
        let state = match ctx.err() {
            None => "live".to_owned(),
            Some(cancelled) => cancelled
                .cause()
                .map_or_else(String::new, ToString::to_string),
        };
        println!("  {name:16} {state}");
    }
    println!();
}

/// A task owns its context, so it gets a clone. A clone is a handle to the same context: it hears of the
/// cancellation, and only the scope can cause one.
fn work(ctx: &Context) -> JoinHandle<Result<(), Cancelled>> {
    let ctx = ctx.clone();
    tokio::spawn(async move { wait_forever(&ctx).await })
}

#[with_context]
pub(crate) async fn wait_forever() -> Result<(), Cancelled> {
    // A checkpoint, as every `.await` in an annotated function: from here the function returns.
    pending::<()>().await;
    Ok(())
}

/// Prints what the task was told: what happened, at which line, noticed at which `.await`, and why.
async fn told(name: &str, task: JoinHandle<Result<(), Cancelled>>) {
    match task.await {
        Ok(Err(cancelled)) => println!("the task of {name}: {}\n", cancelled.report()),
        other => println!("the task of {name} ended by itself: {other:?}\n"),
    }
}
