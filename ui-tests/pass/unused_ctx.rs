#![deny(warnings, clippy::pedantic, clippy::nursery)]
#![allow(clippy::missing_const_for_fn)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
fn double(number: u32) -> u32 {
    number * 2
}

#[with_context]
async fn alone() -> u32 {
    #[checkpoints(none)]
    one().await
}

trait Number {
    #[with_context]
    fn number(&self) -> u32;

    #[with_context]
    fn negative(&self) -> i64 {
        -i64::from(7_u32)
    }
}

struct Seven;

impl Number for Seven {
    #[with_context]
    fn number(&self) -> u32 {
        7
    }
}

mod others {
    pub const TWO: u32 = 2;

    pub const fn ctx() -> u32 {
        3
    }
}

/// Whether one of the items that come is a `ctx` nobody sees.
#[with_context]
#[allow(clippy::wildcard_imports, clippy::enum_glob_use)]
fn imports_all() -> u32 {
    use others::*;
    TWO
}

#[with_context]
#[allow(clippy::wildcard_imports)]
fn imports_all_in_a_group() -> u32 {
    use self::{Seven as Other, others::*};
    let _ = Other;
    TWO
}

#[with_context]
#[allow(non_camel_case_types)]
fn of_a_struct() -> u32 {
    struct ctx;
    let _ = ctx;
    2
}

#[with_context]
#[allow(non_upper_case_globals)]
fn of_a_constant() -> u32 {
    const ctx: u32 = 2;
    ctx
}

#[with_context]
#[allow(non_upper_case_globals)]
fn of_a_static() -> u32 {
    static ctx: u32 = 2;
    ctx
}

#[with_context]
fn of_a_function() -> u32 {
    const fn ctx() -> u32 {
        2
    }
    ctx()
}

#[with_context]
fn of_an_import() -> u32 {
    use others::ctx;
    ctx()
}

/// The block sees the item, and not the parameter.
#[with_context]
fn before_a_future() -> impl Future<Output = u32> + Send {
    const fn ctx() -> u32 {
        2
    }
    async move { ctx() }
}

#[with_context]
fn in_a_future() -> impl Future<Output = Result<u32, Cancelled>> + Send {
    let first = one();
    async move {
        const fn ctx() -> u32 {
            2
        }
        #[checkpoints(none)]
        Ok(first.await + ctx())
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background();
    assert_eq!(
        of_a_constant(&ctx) + of_a_static(&ctx) + of_a_function(&ctx),
        6
    );
    assert_eq!(of_an_import(&ctx), 3);
    assert_eq!(before_a_future(&ctx).await, 2);
    assert_eq!(in_a_future(&ctx).await.unwrap(), 3);
    assert_eq!(double(&ctx, 2), 4);
    assert_eq!(alone(&ctx).await, 1);
    assert_eq!(
        imports_all(&ctx) + imports_all_in_a_group(&ctx) + of_a_struct(&ctx),
        6
    );
    assert_eq!(i64::from(Seven.number(&ctx)) + Seven.negative(&ctx), 0);
}
