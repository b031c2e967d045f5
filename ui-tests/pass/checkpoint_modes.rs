#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::time::Duration;
use tokio::time::sleep;

#[with_context(checkpoints = race)]
async fn race(done: &mut u32) -> Result<(), Cancelled> {
    sleep(Duration::from_secs(1)).await;
    *done += 1;
    Ok(())
}

#[with_context(checkpoints = between)]
async fn between(done: &mut u32) -> Result<(), Cancelled> {
    sleep(Duration::from_secs(1)).await;
    *done += 1;
    sleep(Duration::from_secs(1)).await;
    *done += 1;
    Ok(())
}

#[with_context(checkpoints = none)]
async fn none(done: &mut u32) {
    sleep(Duration::from_secs(1)).await;
    *done += 1;
    sleep(Duration::from_secs(1)).await;
    *done += u32::from(ctx.is_cancelled());
}

#[with_context]
async fn attributes(done: &mut u32) -> Result<(), Cancelled> {
    #[checkpoints(between)]
    {
        sleep(Duration::from_secs(1)).await;
        *done += 1;
    }
    #[checkpoints(none)]
    let () = sleep(Duration::from_secs(1)).await;
    *done += 1;
    #[checkpoints(none)]
    sleep(Duration::from_secs(1)).await;
    *done += 1;
    sleep(Duration::from_secs(1)).await;
    *done += 1;
    Ok(())
}

#[with_context(checkpoints = between)]
async fn back_to_race(done: &mut u32) -> Result<(), Cancelled> {
    #[checkpoints(race)]
    sleep(Duration::from_secs(1)).await;
    *done += 1;
    Ok(())
}

#[with_context(checkpoints = between)]
async fn select_between(done: &mut u32) -> Result<(), Cancelled> {
    tokio::select! {
        () = sleep(Duration::from_secs(1)) => *done += 1,
    }
    let ((), ()) = tokio::join!(sleep(Duration::from_secs(1)), sleep(Duration::from_secs(1)));
    *done += 1;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let root = Context::background().with_cancel();
    let soon = || root.with_timeout(Duration::from_millis(5));
    let mut done = 0;
    assert!(race(&soon(), &mut done).await.is_err());
    assert_eq!(done, 0);
    assert!(between(&soon(), &mut done).await.is_err());
    assert_eq!(done, 1);
    none(&soon(), &mut done).await;
    assert_eq!(done, 3);
    assert!(attributes(&soon(), &mut done).await.is_err());
    assert_eq!(done, 6);
    assert!(back_to_race(&soon(), &mut done).await.is_err());
    assert_eq!(done, 6);
    assert!(select_between(&soon(), &mut done).await.is_err());
    assert_eq!(done, 7);
}
