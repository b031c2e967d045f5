#![deny(warnings, clippy::pedantic, clippy::nursery)]
#![allow(clippy::many_single_char_names)]

use ctx::{Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

// Names that the expansion uses too, and the body may give another meaning.
#[allow(clippy::upper_case_acronyms, dead_code, non_camel_case_types)]
mod names {
    pub struct Result;
    pub struct Option;
    pub struct Ok;
    pub struct Err;
    pub struct Some;
    pub struct None;
    pub trait FromCancelled {
        fn from_cancelled(_: Self)
        where
            Self: Sized,
        {
        }
    }
    impl<T> FromCancelled for T {}
}

#[with_context]
#[allow(clippy::used_underscore_binding)]
async fn shadowed() -> std::option::Option<u32> {
    use names::{Err, FromCancelled, None, Ok, Option, Result, Some};
    let _ = (Option, Result, Some, None, Ok, Err);
    u32::from_cancelled(7);
    let (__v, __c, __slot, __shield, __scope) = (one().await, 2, 3, 4, 5);
    #[shield]
    let six = one().await + 5;
    let a = tokio::select! {
        a = one() => a + __v + __c + __slot,
    };
    let (b, c) = tokio::join!(one(), async { __slot });
    std::option::Option::Some(__v + __c + __slot + __shield + __scope + six + a + b + c)
}

#[with_context]
async fn generic<T, E, F, H, S>(t: T, e: E, f: F, h: H, s: S) -> Option<(T, E, F, H, S)>
where
    (T, E, F, H, S): Send,
{
    one().await;
    Some((t, e, f, h, s))
}

#[with_context(timeout = std::time::Duration::from_secs(1))]
#[allow(clippy::used_underscore_binding)]
async fn scope(__scope: u32) -> Option<u32> {
    Some(__scope + one().await)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background();
    assert_eq!(shadowed(&ctx).await, Some(32));
    assert!(generic(&ctx, 1, 2, 3, 4, 5).await.is_some());
    assert_eq!(scope(&ctx, 1).await, Some(2));
}
