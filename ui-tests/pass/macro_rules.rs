#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

macro_rules! whole {
    ($name:ident, $number:expr) => {
        #[with_context]
        async fn $name() -> Result<u32, Cancelled> {
            let number = one().await + $number;
            Ok(number + u32::from(ctx.is_cancelled()))
        }
    };
}

whole!(two, 1);
whole!(three, 2);

macro_rules! body_from_outside {
    ($name:ident $body:block) => {
        #[with_context]
        async fn $name() -> Result<u32, Cancelled> $body
    };
}

body_from_outside!(four {
    let number = one().await;
    Ok(number + 3)
});

macro_rules! item {
    ($item:item) => {
        $item
    };
}

item! {
    #[with_context]
    async fn five(start: u32) -> Result<u32, Cancelled> {
        tokio::select! {
            number = one() => Ok(number + start),
        }
    }
}

macro_rules! expression {
    ($name:ident, $type:ty, $future:expr) => {
        #[with_context]
        async fn $name() -> Result<$type, Cancelled> {
            Ok($future.await)
        }
    };
}

expression!(six, u32, async { one().await + 5 });

macro_rules! method {
    ($type:ident { $($name:ident: $number:literal),* }) => {
        #[with_context]
        impl $type {
            $(async fn $name(&self) -> Result<u32, Cancelled> {
                Ok(self.0 + $number + one().await)
            })*
        }
    };
}

struct Base(u32);
method!(Base { seven: 6, eight: 7 });

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(two(&ctx).await.unwrap(), 2);
    assert_eq!(three(&ctx).await.unwrap(), 3);
    assert_eq!(four(&ctx).await.unwrap(), 4);
    assert_eq!(five(&ctx, 4).await.unwrap(), 5);
    assert_eq!(six(&ctx).await.unwrap(), 6);
    assert_eq!(
        Base(0).seven(&ctx).await.unwrap() + Base(1).eight(&ctx).await.unwrap(),
        16
    );
    ctx.cancel();
    assert!(two(&ctx).await.is_err());
    assert!(four(&ctx).await.is_err());
    assert!(five(&ctx, 4).await.is_err());
    assert!(six(&ctx).await.is_err());
}
