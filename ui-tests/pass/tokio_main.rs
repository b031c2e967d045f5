#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    Ok(one().await)
}

/// Nobody calls a `main`, so its context is the root of a tree.
#[with_context]
#[tokio::main]
async fn main() -> Result<(), Cancelled> {
    let ctx: &Context = ctx;
    assert_eq!(load(ctx).await? + one().await, 2);
    Ok(())
}

#[with_context(checkpoints = none)]
#[tokio::main(flavor = "current_thread")]
async fn called(number: u32) -> u32 {
    assert!(ctx.is_cancelled());
    number + one().await
}

mod imported {
    use ctx::{Cancelled, Context, with_context};
    use tokio::main;

    #[with_context]
    #[main]
    pub async fn main() -> Result<(), Cancelled> {
        let ctx: &Context = ctx;
        assert_eq!(super::load(ctx).await?, 1);
        Ok(())
    }
}

#[test]
fn behaves() {
    main().unwrap();
    imported::main().unwrap();
    let ctx = Context::background().with_cancel();
    ctx.cancel();
    assert_eq!(called(&ctx, 1), 2);
}
