#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::{
    future::{pending, ready},
    time::Duration,
};
use tokio::{select, sync::mpsc, time::sleep};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
async fn first() -> Result<&'static str, Cancelled> {
    tokio::select! {
        () = sleep(Duration::from_secs(1)) => Ok("slow"),
        number = one() => {
            assert_eq!(number, 1);
            Ok("fast")
        }
    }
}

#[with_context]
async fn conditions(enabled: bool) -> Result<u32, Cancelled> {
    select! {
        biased;
        number = ready(1), if enabled && one().await == 1 => Ok(number),
        number = ready(2) => Ok(number + one().await),
    }
}

#[with_context]
async fn refutable(value: Option<u32>) -> Result<u32, Cancelled> {
    let number = select! {
        Some(number) = ready(value) => number,
        Ok::<u32, u32>(number) | Err(number) = async { one().await; if value.is_some() { pending().await } else { Ok(7) } } => number,
        else => one().await * 100,
    };
    Ok(number)
}

#[with_context]
async fn otherwise() -> Result<u32, Cancelled> {
    Ok(select! {
        Some(number) = ready(None::<u32>) => number,
        else => one().await * 100,
    })
}

#[with_context]
async fn flow(mut channel: mpsc::Receiver<u32>) -> Result<u32, Cancelled> {
    let mut sum = 0;
    let ticks = sleep(Duration::from_millis(1));
    tokio::pin!(ticks);
    'outer: loop {
        select! {
            biased;
            Some(number) = channel.recv() => match number {
                0 => {}
                9 => break 'outer,
                number => sum += number,
            },
            () = &mut ticks, if sum > 100 => return Ok(0),
            else => break,
        }
    }
    Ok(sum)
}

#[with_context]
async fn waits() -> Result<u32, Cancelled> {
    select! {
        () = pending() => Ok(1),
        () = sleep(Duration::from_secs(90)) => Ok(2),
    }
}

#[with_context]
async fn waits_with_else() -> Result<u32, Cancelled> {
    Ok(select! {
        Some(number) = ready(None::<u32>) => number,
        () = pending() => 1,
        else => 2,
    })
}

/// To the compiler these attributes may stand on a macro, and on no expression.
#[with_context]
async fn attributes_of_tools() -> Result<u32, Cancelled> {
    #[rustfmt::skip]
    select! {
        () = ready(())  =>  {}
    }
    #[cfg_attr(all(), rustfmt::skip)]
    select! {
        () = ready(())  =>  {}
    }
    #[clippy::msrv = "1.85"]
    select! {
        () = ready(()) => {}
    }
    #[cfg_attr(
        all(),
        allow(clippy::no_effect),
        cfg_attr(all(), clippy::msrv = "1.85")
    )]
    select! {
        () = ready(()) => {}
    }
    #[cfg_attr(all(), cfg(any()), rustfmt::skip)]
    select! {
        () = absent()  =>  {}
    }
    #[rustfmt::skip]
    select! {
        number = ready(4)  =>  Ok(number),
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(first(&ctx).await.unwrap(), "fast");
    assert_eq!(conditions(&ctx, true).await.unwrap(), 1);
    assert_eq!(conditions(&ctx, false).await.unwrap(), 3);
    assert_eq!(refutable(&ctx, Some(3)).await.unwrap(), 3);
    assert_eq!(refutable(&ctx, None).await.unwrap(), 7);
    assert_eq!(otherwise(&ctx).await.unwrap(), 100);
    assert_eq!(attributes_of_tools(&ctx).await.unwrap(), 4);
    let (sender, channel) = mpsc::channel(8);
    for number in [1, 0, 2, 9, 50] {
        sender.send(number).await.unwrap();
    }
    assert_eq!(flow(&ctx, channel).await.unwrap(), 3);
    let soon = ctx.with_timeout(Duration::from_millis(5));
    assert!(waits(&soon).await.unwrap_err().is_deadline_exceeded());
    let soon = ctx.with_timeout(Duration::from_millis(5));
    assert!(waits_with_else(&soon).await.is_err());
}
