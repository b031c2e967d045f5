#![deny(warnings, clippy::pedantic, clippy::nursery)]
#![allow(clippy::useless_vec)]

use ctx::{Cancelled, Context, with_context};
use std::{fmt::Write, future::pending, pin::pin};

/// What `std` has in a later version.
mod assert_matches {
    macro_rules! assert_matches {
        ($value:expr, $pat:pat $(if $guard:expr)? $(, $($message:tt)+)?) => {
            match $value {
                $pat $(if $guard)? => {}
                ref other => {
                    let message = String::new() $(+ &format!($($message)+))?;
                    panic!("{other:?} is no {}: {message}", stringify!($pat))
                }
            }
        };
    }
    pub(crate) use assert_matches;
}
use assert_matches::assert_matches;

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn formats() -> Result<String, Cancelled> {
    let shown = format!(
        "{} {x} {0} {:>2}",
        one().await,
        one().await + 1,
        x = one().await
    );
    let mut written = String::new();
    write!(written, "{}", one().await).unwrap_or_default();
    std::writeln!(written, " {y}", y = one().await).unwrap_or_default();
    println!("{} {}", one().await, written.len());
    eprintln!("{}", format_args!("{}", one().await));
    Ok(format!("{shown}|{}", written.trim()))
}

#[with_context]
async fn asserts() -> Result<u32, Cancelled> {
    assert!(one().await == 1);
    assert!(one().await == 1, "it was {}", one().await);
    assert_eq!(one().await, 1);
    assert_ne!(one().await, 2, "{}", one().await);
    debug_assert!(one().await == 1);
    std::debug_assert_eq!(one().await, one().await);
    let all = vec![one().await, one().await];
    let same = vec![one().await; 3];
    let matched = matches!(one().await, 1 | 2 if one().await == 1);
    assert!(matched);
    if all.is_empty() {
        unreachable!("{}", one().await);
    }
    if same.is_empty() {
        unimplemented!("{}", one().await);
    }
    if same.len() == 1 && all.len() == 9 {
        println!("not yet");
        core::panic!("{}", one().await);
    }
    Ok(u32::try_from(all.len() + same.len()).unwrap_or(0))
}

#[with_context]
async fn asserts_patterns() -> Result<u32, Cancelled> {
    assert_matches!(one().await, 1);
    assert_matches!(one().await, n if n == one().await, "it was {}", one().await);
    assert_matches::assert_matches!(Some(one().await), Some(1 | 2), "it was another");
    Ok(1)
}

async fn rows(count: u32) -> Result<impl Future<Output = u32>, Cancelled> {
    tokio::task::yield_now().await;
    Ok(async move { count + one().await })
}

#[with_context]
async fn pins(count: &u32) -> Result<u32, Cancelled> {
    let mut first = pin!(rows(*count + 1).await?);
    let second = std::pin::pin!(rows(*Box::new(*count)).await?);
    Ok(first.as_mut().await + second.await)
}

#[with_context]
async fn stops(at: u32) -> Result<String, Cancelled> {
    match at {
        0 => Ok(format!("{:?}", pending::<()>().await)),
        1 => {
            assert_eq!(1, pending::<u32>().await);
            Ok(String::new())
        }
        2 => Ok(pin!(pending::<String>().await).to_owned()),
        3 => {
            assert_matches!(pending::<u32>().await, 1);
            Ok(String::new())
        }
        _ => {
            let all = vec![1, pending::<u32>().await];
            Ok(format!("{all:?}"))
        }
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(formats(&ctx).await.unwrap(), "1 1 1  2|1 1");
    assert_eq!(asserts(&ctx).await.unwrap(), 5);
    assert_eq!(asserts_patterns(&ctx).await.unwrap(), 1);
    assert_eq!(pins(&ctx, &2).await.unwrap(), 7);
    for at in 0..5 {
        let soon = ctx.with_timeout(std::time::Duration::from_millis(5));
        assert!(stops(&soon, at).await.is_err());
    }
}
