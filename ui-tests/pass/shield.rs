#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::time::Duration;
use tokio::time::sleep;

#[with_context]
async fn save(log: &mut Vec<&'static str>) -> Result<usize, Cancelled> {
    sleep(Duration::from_millis(10)).await;
    log.push("saved");
    Ok(log.len())
}

#[with_context]
async fn on_a_block(log: &mut Vec<&'static str>) -> Result<usize, Cancelled> {
    #[shield]
    {
        save(ctx, log).await?;
        save(ctx, log).await?;
    }
    Ok(log.len())
}

#[with_context]
async fn on_a_let(log: &mut Vec<&'static str>) -> Result<usize, Cancelled> {
    #[shield]
    let saved = save(ctx, log).await?;
    Ok(saved)
}

#[with_context]
async fn on_an_expression(log: &mut Vec<&'static str>) -> Result<usize, Cancelled> {
    #[shield]
    save(ctx, log).await?;
    #[shield]
    if log.len() == 1 {
        save(ctx, log).await?;
    }
    #[shield]
    for _ in 0..2 {
        save(ctx, log).await?;
    }
    Ok(
        #[shield]
        save(ctx, log).await?,
    )
}

#[with_context]
async fn on_what_has_attributes(log: &mut Vec<&'static str>) -> Result<usize, Cancelled> {
    #[shield]
    {
        #![allow(unused_variables)]
        let unused = save(ctx, log).await?;
    }
    #[allow(clippy::collapsible_if)]
    #[shield]
    if log.len() == 1 {
        if save(ctx, log).await? == 2 {
            log.push("both");
        }
    }
    Ok(log.len())
}

#[with_context]
async fn on_an_argument(log: &mut Vec<&'static str>) -> Result<usize, Cancelled> {
    let shielded = std::convert::identity(
        #[shield]
        save(ctx, log).await?,
    );
    Ok([shielded][0])
}

#[with_context]
async fn cleans_up(log: &mut Vec<&'static str>) -> Result<usize, Cancelled> {
    let slept = sleep_long(ctx).await;
    #[shield]
    save(ctx, log).await?;
    slept?;
    save(ctx, log).await
}

#[with_context]
async fn sleep_long() -> Result<(), Cancelled> {
    sleep(Duration::from_secs(90)).await;
    Ok(())
}

#[with_context]
fn in_a_sync_function() -> bool {
    let outside = ctx.is_cancelled();
    let inside = #[shield]
    ctx.is_cancelled();
    outside && !inside
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let root = Context::background().with_cancel();
    for (at, expected) in [(0, 2), (1, 1), (2, 5), (3, 1), (4, 3)] {
        let mut log = Vec::new();
        let ctx = root.with_timeout(Duration::from_millis(5));
        let saved = match at {
            0 => on_a_block(&ctx, &mut log).await,
            1 => on_a_let(&ctx, &mut log).await,
            2 => on_an_expression(&ctx, &mut log).await,
            4 => on_what_has_attributes(&ctx, &mut log).await,
            _ => on_an_argument(&ctx, &mut log).await,
        };
        assert_eq!(saved.unwrap(), expected);
        assert!(ctx.is_cancelled());
    }
    let mut log = Vec::new();
    let ctx = root.with_timeout(Duration::from_millis(5));
    assert!(cleans_up(&ctx, &mut log).await.is_err());
    assert_eq!(log, ["saved"]);
    assert!(in_a_sync_function(&ctx));
}
