//! What checkpoints add to a future: rule M14.

use ctx::{Cancelled, Context, with_context};
use std::mem::size_of_val;

/// What an awaited annotated call may add.
const PER_CALL: usize = 64;
/// What a branch of `select!` or `join!` may add.
const PER_BRANCH: usize = 48;
/// A branch of `try_join!` also remembers that it would give up.
const PER_TRY_BRANCH: usize = 56;

/// Defines functions each of which awaits the next, with checkpoints and by hand.
macro_rules! chain {
    ($($name:ident => $next:ident)*) => {
        mod annotated {
            use super::*;

            #[with_context]
            pub(super) async fn f0() -> Result<u32, Cancelled> {
                tokio::task::yield_now().await;
                Ok(1)
            }

            $(#[with_context]
            pub(super) async fn $name() -> Result<u32, Cancelled> {
                $next(ctx).await
            })*
        }

        mod by_hand {
            use super::*;

            pub(super) async fn f0(_: &Context) -> Result<u32, Cancelled> {
                tokio::task::yield_now().await;
                Ok(1)
            }

            $(pub(super) async fn $name(ctx: &Context) -> Result<u32, Cancelled> {
                $next(ctx).await
            })*
        }
    };
}

chain! {
    f1 => f0
    f2 => f1
    f3 => f2
    f4 => f3
    f5 => f4
    f6 => f5
    f7 => f6
    f8 => f7
    f9 => f8
    f10 => f9
    f11 => f10
    f12 => f11
    f13 => f12
    f14 => f13
    f15 => f14
    f16 => f15
    f17 => f16
    f18 => f17
    f19 => f18
    f20 => f19
    f21 => f20
    f22 => f21
    f23 => f22
    f24 => f23
    f25 => f24
    f26 => f25
    f27 => f26
    f28 => f27
}

fn is_send<T: Send>(future: T) -> T {
    future
}

#[tokio::test]
async fn m14_28_levels_of_annotated_calls_are_send() {
    let ctx = Context::background();
    assert_eq!(is_send(annotated::f28(&ctx)).await.unwrap(), 1);
    assert_eq!(by_hand::f28(&ctx).await.unwrap(), 1);
}

#[test]
fn m14_an_awaited_call_adds_at_most_64_bytes() {
    let ctx = &Context::background();
    for (calls, with, without) in [
        (
            1,
            size_of_val(&annotated::f0(ctx)),
            size_of_val(&by_hand::f0(ctx)),
        ),
        (
            2,
            size_of_val(&annotated::f1(ctx)),
            size_of_val(&by_hand::f1(ctx)),
        ),
        (
            8,
            size_of_val(&annotated::f7(ctx)),
            size_of_val(&by_hand::f7(ctx)),
        ),
        (
            29,
            size_of_val(&annotated::f28(ctx)),
            size_of_val(&by_hand::f28(ctx)),
        ),
    ] {
        println!("{calls} calls: {with} bytes, by hand {without}");
        assert!(
            with <= without + calls * PER_CALL,
            "{calls} calls: {without} grew to {with}"
        );
    }
}

/// Statements that follow each other share their room.
mod in_a_row {
    use super::*;

    #[with_context]
    pub(super) async fn annotated() -> Result<u32, Cancelled> {
        let mut sum = super::annotated::f0(ctx).await?;
        sum += super::annotated::f0(ctx).await?;
        for _ in 0..3 {
            sum += super::annotated::f0(ctx).await?;
        }
        Ok(sum + super::annotated::f0(ctx).await?)
    }

    pub(super) async fn by_hand(ctx: &Context) -> Result<u32, Cancelled> {
        let mut sum = super::by_hand::f0(ctx).await?;
        sum += super::by_hand::f0(ctx).await?;
        for _ in 0..3 {
            sum += super::by_hand::f0(ctx).await?;
        }
        Ok(sum + super::by_hand::f0(ctx).await?)
    }
}

#[test]
fn m14_awaits_in_a_row_add_no_more_than_one() {
    let ctx = &Context::background();
    let (with, without) = (
        size_of_val(&in_a_row::annotated(ctx)),
        size_of_val(&in_a_row::by_hand(ctx)),
    );
    println!("four awaits: {with} bytes, by hand {without}");
    // One for the function itself, and one for the function that it awaits.
    assert!(with <= without + 2 * PER_CALL, "{without} grew to {with}");
}

/// The same macro over one, two and four branches, with checkpoints and by hand.
macro_rules! branches {
    ($module:ident, $($name:ident => $body:expr),* $(,)?) => {
        mod $module {
            use super::*;

            pub(super) mod annotated {
                use super::*;
                $(#[with_context] pub(crate) async fn $name() -> Option<u32> { Some($body) })*
            }
            pub(super) mod by_hand {
                use super::*;
                $(pub(crate) async fn $name(_: &Context) -> Option<u32> { Some($body) })*
            }
        }
    };
}

async fn leaf() -> u32 {
    tokio::task::yield_now().await;
    1
}

async fn fallible() -> Result<u32, u32> {
    tokio::task::yield_now().await;
    Ok(1)
}

branches!(select,
    one => tokio::select! { x = leaf() => x },
    two => tokio::select! { x = leaf() => x, x = leaf() => x },
    four => tokio::select! { x = leaf() => x, x = leaf() => x, x = leaf() => x, x = leaf() => x },
);
branches!(join,
    one => tokio::join!(leaf()).0,
    two => tokio::join!(leaf(), leaf()).1,
    four => tokio::join!(leaf(), leaf(), leaf(), leaf()).3,
);
branches!(try_join,
    one => tokio::try_join!(fallible()).map_or(0, |x| x.0),
    two => tokio::try_join!(fallible(), fallible()).map_or(0, |x| x.1),
    four => tokio::try_join!(fallible(), fallible(), fallible(), fallible()).map_or(0, |x| x.3),
);

/// The whole macro is one awaited call; each of its branches may add some more.
macro_rules! assert_branches {
    ($module:ident, $per_branch:expr) => {
        let ctx = &Context::background();
        for (branches, with, without) in [
            (
                1,
                size_of_val(&$module::annotated::one(ctx)),
                size_of_val(&$module::by_hand::one(ctx)),
            ),
            (
                2,
                size_of_val(&$module::annotated::two(ctx)),
                size_of_val(&$module::by_hand::two(ctx)),
            ),
            (
                4,
                size_of_val(&$module::annotated::four(ctx)),
                size_of_val(&$module::by_hand::four(ctx)),
            ),
        ] {
            println!("{branches} branches: {with} bytes, by hand {without}");
            assert!(
                with <= without + PER_CALL + branches * $per_branch,
                "{branches} branches: {without} grew to {with}"
            );
        }
    };
}

#[test]
fn m14_a_branch_of_select_adds_at_most_48_bytes() {
    assert_branches!(select, PER_BRANCH);
}

#[test]
fn m14_a_branch_of_join_adds_at_most_48_bytes() {
    assert_branches!(join, PER_BRANCH);
}

#[test]
fn m14_a_branch_of_try_join_adds_at_most_56_bytes() {
    assert_branches!(try_join, PER_TRY_BRANCH);
}

/// What follows a macro uses its function's own state, which lives beside that of the branches.
mod a_loop {
    use super::*;

    macro_rules! both {
        ($($body:tt)*) => {
            #[with_context]
            pub(super) async fn annotated() -> Option<u32> { $($body)* }

            pub(super) async fn by_hand(_: &Context) -> Option<u32> { $($body)* }
        };
    }

    both! {
        let mut sum = 0;
        while sum < 9 {
            if sum % 2 == 0 {
                sum += tokio::select! { x = leaf() => x, x = leaf() => x };
            } else {
                sum += leaf().await;
            }
        }
        Some(sum)
    }
}

#[test]
fn m14_a_select_and_an_await_add_no_more_than_the_select() {
    let ctx = &Context::background();
    let with = size_of_val(&a_loop::annotated(ctx));
    let without = size_of_val(&a_loop::by_hand(ctx));
    println!("a select of two and an await: {with} bytes, by hand {without}");
    assert!(
        with <= without + PER_CALL + 2 * PER_BRANCH,
        "{without} grew to {with}"
    );
}

mod no_checkpoint {
    use super::*;

    #[with_context(checkpoints = none)]
    pub(super) async fn annotated() {
        tokio::task::yield_now().await;
    }

    pub(super) async fn by_hand(_: &Context) {
        tokio::task::yield_now().await;
    }
}

#[test]
fn m14_a_function_without_checkpoints_adds_nothing() {
    let ctx = &Context::background();
    let (with, without) = (
        size_of_val(&no_checkpoint::annotated(ctx)),
        size_of_val(&no_checkpoint::by_hand(ctx)),
    );
    assert_eq!(with, without);
}
