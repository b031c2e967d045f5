#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};

async fn step() {
    tokio::task::yield_now().await;
}

macro_rules! first {
    ($list:expr) => {
        $list.first().copied()
    };
}

#[with_context]
async fn moves_behind_an_if() -> Result<u32, Cancelled> {
    let ctx = ctx.with_cancel();
    step().await;
    if { std::env::args().count() } > 0 {
        step().await;
    }
    if const { size_of::<usize>() > 0 } {
        drop(ctx);
        return Ok(1);
    }
    Ok(2)
}

#[with_context]
async fn moves_behind_a_pattern() -> Result<u32, Cancelled> {
    let ctx = ctx.with_cancel();
    step().await;
    if let Some(number) = first! { [3] } {
        drop(ctx);
        return Ok(number);
    }
    Ok(2)
}

#[with_context]
async fn moves_behind_a_loop() -> Result<u32, Cancelled> {
    let mut left = 3;
    let ctx = ctx.with_cancel();
    step().await;
    while {
        left -= 1;
        left > 0
    } {
        if left == 2 {
            drop(ctx);
            break;
        }
    }
    Ok(left)
}

#[with_context]
async fn awaits_behind_a_loop() -> Result<u32, Cancelled> {
    let mut left = 3;
    let mut rounds = 0;
    while {
        left -= 1;
        left > 0
    } {
        step().await;
        rounds += 1;
    }
    Ok(rounds)
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let root = Context::background();
    assert_eq!(moves_behind_an_if(&root).await.unwrap(), 1);
    assert_eq!(moves_behind_a_pattern(&root).await.unwrap(), 3);
    assert_eq!(moves_behind_a_loop(&root).await.unwrap(), 2);
    assert_eq!(awaits_behind_a_loop(&root).await.unwrap(), 2);
}
