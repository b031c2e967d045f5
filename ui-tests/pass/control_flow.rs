#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

async fn next(from: &mut u32) -> Option<u32> {
    tokio::task::yield_now().await;
    *from = from.checked_sub(1)?;
    Some(*from)
}

async fn is(answer: bool) -> bool {
    tokio::task::yield_now().await;
    answer
}

#[with_context]
async fn loops(mut from: u32) -> Result<u32, Cancelled> {
    let mut sum = 0;
    while let Some(number) = next(&mut from).await {
        if number == 2 {
            continue;
        }
        sum += number;
    }
    let mut count = 0;
    'outer: while is(count < 10).await {
        for _ in 0..one().await {
            count += 1;
            if count == 5 && is(true).await {
                break 'outer;
            }
        }
    }
    let last = loop {
        if is(true).await {
            break one().await;
        }
    };
    let labelled = 'block: {
        if is(true).await {
            break 'block one().await;
        }
        unreachable!()
    };
    Ok(sum * 1000 + count * 100 + last * 10 + labelled)
}

#[with_context]
async fn chains(number: Option<u32>) -> Result<u32, Cancelled> {
    if let Some(number) = number
        && is(number > 1).await
        && let Some(next) = next(&mut { number }).await
    {
        return Ok(next);
    }
    Ok(if is(false).await {
        1
    } else if is(true).await {
        2
    } else {
        one().await
    })
}

#[with_context]
async fn guards(number: Option<u32>) -> Result<&'static str, Cancelled> {
    Ok(match number {
        Some(ref number) if is(*number > 5).await => "large",
        Some(0 | 1) if is(false).await => "never",
        Some(number @ (0..=2)) if is(number == 1).await && one().await == 1 => "one",
        Some(_) => "small",
        None if is(true).await => "none",
        None => unreachable!(),
    })
}

#[with_context]
async fn scrutinee() -> Result<u32, Cancelled> {
    match (one().await, one().await) {
        (1, number) => Ok(number
            + match one().await {
                1 => one().await,
                other => other,
            }),
        _ => Err(ctx.check().unwrap_err()),
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(loops(&ctx, 4).await.unwrap(), 4511);
    assert_eq!(chains(&ctx, Some(3)).await.unwrap(), 2);
    assert_eq!(chains(&ctx, None).await.unwrap(), 2);
    assert_eq!(guards(&ctx, Some(6)).await.unwrap(), "large");
    assert_eq!(guards(&ctx, Some(1)).await.unwrap(), "one");
    assert_eq!(guards(&ctx, Some(3)).await.unwrap(), "small");
    assert_eq!(guards(&ctx, None).await.unwrap(), "none");
    assert_eq!(scrutinee(&ctx).await.unwrap(), 2);
    ctx.cancel();
    assert!(loops(&ctx, 4).await.is_err());
    assert!(guards(&ctx, Some(6)).await.is_err());
}
