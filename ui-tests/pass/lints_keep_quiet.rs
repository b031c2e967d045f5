#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

/// Statements that end in an await, in every place where a lint could mistake the expansion.
#[with_context]
async fn sum(start: Option<u32>) -> Result<u32, Cancelled> {
    tokio::task::yield_now().await;
    let Some(start) = start else {
        tokio::task::yield_now().await;
        return Ok(0);
    };
    {
        tokio::task::yield_now().await;
    }
    if start > 1 {
        tokio::task::yield_now().await;
    }
    let _ = one().await;
    let number = one().await;
    let number = number + one().await;
    (one)().await;
    #[shield]
    one().await;
    #[shield]
    {
        one().await;
    }
    tokio::select! {
        _ = one() => {}
    }
    let _ = tokio::join!(one(), one());
    Ok(number + start)
}

async fn unit(_: u32) {
    tokio::task::yield_now().await;
}

/// Nothing is the value of these, which no lint holds against an await.
#[with_context]
#[allow(clippy::ignored_unit_patterns)]
async fn units(number: Option<u32>) -> Result<(), Cancelled> {
    if let Some(number) = number {
        let _ = unit(number).await;
    }
    let _done = unit(1).await;
    #[shield]
    let _ = unit(2).await;
    let () = unit(3).await;
    Ok(())
}

/// A lint still sees what the author wrote.
#[with_context]
#[expect(clippy::unnecessary_semicolon, reason = "it is the author's")]
async fn told() -> Result<u32, Cancelled> {
    let number = one().await;
    match number {
        1 => tokio::task::yield_now().await,
        _ => assert_eq!(number, 0),
    };
    Ok(number)
}

async fn match_one(one: u32) -> u32 {
    tokio::task::yield_now().await;
    one
}

/// What is shielded is still no `match` of the author's, however its text begins.
#[with_context]
async fn shielded() -> Result<u32, Cancelled> {
    #[shield]
    match one().await {
        1 => tokio::task::yield_now().await,
        other => assert_eq!(other, 0),
    }
    #[shield]
    match_one(1).await;
    #[shield]
    if one().await == 0 {
        tokio::task::yield_now().await;
    }
    #[shield]
    tokio::task::yield_now().await;
    #[shield]
    match_one(match one().await {
        0 => 1,
        other => other,
    })
    .await;
    Ok(
        #[shield]
        one().await,
    )
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background();
    assert_eq!(sum(&ctx, Some(1)).await.unwrap(), 3);
    units(&ctx, Some(0)).await.unwrap();
    assert_eq!(shielded(&ctx).await.unwrap(), 1);
    assert_eq!(told(&ctx).await.unwrap(), 1);
}
