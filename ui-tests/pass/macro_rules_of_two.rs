#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

/// The attribute comes from one macro, and the function from another.
macro_rules! attributed {
    ($(#[$attribute:meta])* $name:ident) => {
        function!([$(#[$attribute])*] $name);
    };
}

macro_rules! function {
    ([$($attribute:tt)*] $name:ident) => {
        $($attribute)*
        async fn $name() -> Result<u32, Cancelled> {
            #[shield]
            let number = one().await;
            Ok(number + one().await + u32::from(ctx.is_cancelled()))
        }
    };
}

attributed!(
    #[with_context]
    both
);
attributed!(
    #[with_context(timeout = std::time::Duration::from_secs(1), owned)]
    by_value
);

/// The parameter comes from the caller, and the `fn` does not.
macro_rules! on {
    ($context:ident, $name:ident) => {
        #[with_context]
        async fn $name($context: &Context) -> Result<u32, Cancelled> {
            let first = one().await;
            let $context = $context.with_cancel();
            Ok(first + one().await + u32::from($context.is_cancelled()))
        }
    };
}

on!(ctx, given);
on!(r#ctx, given_raw);

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(
        both(&ctx).await.unwrap() + by_value(ctx.clone()).await.unwrap(),
        4
    );
    assert_eq!(
        given(&ctx).await.unwrap() + given_raw(&ctx).await.unwrap(),
        4
    );
}
