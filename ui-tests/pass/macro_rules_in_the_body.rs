#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::future::{Future, pending, ready};

#[with_context]
async fn gives_the_future() -> Result<u32, Cancelled> {
    macro_rules! wrapped {
        ($future:expr) => {
            Some($future)
        };
    }
    if let Some(future) = wrapped!(pending()) {
        let () = future.await;
    }
    Ok(1)
}

#[with_context]
async fn awaits_without_checkpoints() -> Result<u32, Cancelled> {
    let one = #[checkpoints(none)]
    {
        macro_rules! twice {
            ($future:expr) => {
                2 * $future.await
            };
        }
        twice!(ready(1))
    };
    Ok(one + ready(1).await)
}

/// A macro that awaits where there are no checkpoints is not the one of the same name that does not.
#[with_context]
async fn awaits_beside_checkpoints() -> Result<u32, Cancelled> {
    #[checkpoints(none)]
    {
        macro_rules! get {
            ($future:expr) => {
                $future.await
            };
        }
        let one = get!(ready(1));
        let two = #[checkpoints(race)]
        {
            macro_rules! get {
                ($future:expr) => {
                    Some($future)
                };
            }
            let get: Option<_> = get!(ready(1));
            1 + get.unwrap().await
        };
        let block = async { get!(ready(3)) };
        Ok(one + two + get!(block))
    }
}

macro_rules! list {
    ($future:expr) => {
        vec![$future]
    };
}

/// Its block is over, and the name is that of a macro from outside again.
#[with_context]
async fn awaits_after_another() -> Result<u32, Cancelled> {
    let block = async {
        macro_rules! list {
            ($future:expr) => {
                vec![$future.await]
            };
        }
        list!(ready(1)).len()
    };
    let length = list!(ready(1)).len() + block.await;
    Ok(u32::try_from(length).unwrap_or(0))
}

/// The awaits of other scopes are no checkpoints wherever they are written.
#[with_context]
async fn awaits_in_other_scopes() -> Result<u32, Cancelled> {
    macro_rules! boxed {
        ($future:expr) => {
            async move { $future.await }
        };
    }
    macro_rules! closure {
        ($number:ident, $future:expr) => {
            async move |$number: u32| {
                let future = $future;
                $number + future.await
            }
        };
    }
    macro_rules! function {
        ($name:ident) => {
            async fn $name(future: impl Future<Output = u32>) -> u32 {
                future.await
            }
        };
    }
    function!(through);
    let adds = closure!(number, ready(1));
    Ok(boxed!(ready(1)).await + through(ready(1)).await + adds(1).await)
}

/// The nested functions are annotated for themselves, and say where they have no checkpoints. The last one calls no macro.
#[with_context(checkpoints = none)]
async fn nested_functions_say_none() -> Result<u32, Cancelled> {
    macro_rules! get {
        ($future:expr) => {
            $future.await
        };
    }
    #[with_context(checkpoints = none)]
    async fn says_so() -> u32 {
        get!(ready(1))
    }
    #[with_context]
    async fn says_so_inside() -> Result<u32, Cancelled> {
        let one = #[checkpoints(none)]
        get!(ready(1));
        Ok(one + ready(1).await)
    }
    #[with_context]
    async fn compares(get: u32) -> Result<u32, Cancelled> {
        Ok(u32::from(get != ready(3).await))
    }
    let one = get!(ready(1));
    Ok(one + says_so(ctx).await + says_so_inside(ctx).await? + compares(ctx, one).await?)
}

/// `join` is no macro in it.
#[with_context]
async fn compares_in_an_unknown_macro() -> Result<u32, Cancelled> {
    macro_rules! number {
        ($answer:expr) => {
            u32::from($answer)
        };
    }
    let join = ready(1).await;
    Ok(number!(join != 3))
}

#[tokio::test(start_paused = true)]
async fn each_awaits_in_sight() {
    let ctx = &Context::background().with_cancel();
    assert_eq!(awaits_without_checkpoints(ctx).await.unwrap(), 3);
    assert_eq!(awaits_beside_checkpoints(ctx).await.unwrap(), 6);
    assert_eq!(awaits_after_another(ctx).await.unwrap(), 2);
    assert_eq!(awaits_in_other_scopes(ctx).await.unwrap(), 4);
    assert_eq!(nested_functions_say_none(ctx).await.unwrap(), 5);
    assert_eq!(compares_in_an_unknown_macro(ctx).await.unwrap(), 1);
    ctx.cancel();
    assert!(gives_the_future(ctx).await.is_err());
}
