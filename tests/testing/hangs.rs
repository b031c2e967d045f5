//! Rule X4: a run that does not end fails the test, and names the await that it hangs at.

use crate::helpers::{SECOND, outputs, panic_of};
use ctx::{Cancelled, Context, testing::cancel_at_every_checkpoint, with_context};
use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};
use tokio::{
    task::yield_now,
    time::{interval, sleep},
};

#[track_caller]
fn hangs<F, Fut>(body: F) -> String
where
    F: Fn(Context) -> Fut,
    Fut: Future,
{
    let text = panic_of(|| cancel_at_every_checkpoint(body));
    assert!(text.contains("does not end: it hangs"), "{text}");
    text
}

#[with_context]
async fn leaf() -> Result<(), Cancelled> {
    yield_now().await;
    Ok(())
}

#[test]
fn x4_an_await_under_a_shield_that_never_ends_is_named() {
    const LINE: u32 = line!() + 6;
    #[with_context]
    async fn stubborn() -> Result<(), Cancelled> {
        let result = leaf(ctx).await;
        if result.is_err() {
            #[shield]
            pending::<()>().await;
        }
        result
    }
    let text = hangs(|ctx| async move { stubborn(&ctx).await });
    let begin = format!("the run cancelled at {}:", file!());
    assert!(text.starts_with(&begin), "{text}");
    let at = format!("it hangs at {}:{LINE}:29 (", file!());
    assert!(text.contains(&at), "{text} has no {at}");
    assert!(text.contains("nobody is left to wake it"), "{text}");
}

#[test]
fn x4_the_innermost_await_comes_first() {
    const LINE: u32 = line!() + 3;
    #[with_context]
    async fn forever() -> Result<(), Cancelled> {
        pending::<()>().await;
        Ok(())
    }
    #[with_context]
    async fn stubborn() -> Result<(), Cancelled> {
        #[shield]
        forever(ctx).await
    }
    #[with_context]
    async fn caller() -> Result<(), Cancelled> {
        stubborn(ctx).await
    }
    // It is in the shield that it hangs, undisturbed too, and the shield holds the caller.
    let text = hangs(|ctx| async move { caller(&ctx).await });
    let (inner, outer) = (LINE, LINE + 10);
    let at = format!("it hangs at {0}:{inner}:25, in {0}:{outer}:23 (", file!());
    assert!(text.contains(&at), "{text} has no {at}");
    assert!(
        text.starts_with("the undisturbed run does not end"),
        "{text}"
    );
}

#[test]
fn x4_a_between_call_that_never_ends_is_named() {
    const LINE: u32 = line!() + 9;
    #[with_context(checkpoints = between)]
    async fn stubborn() -> Result<(), Cancelled> {
        let forever = async {
            if leaf(ctx).await.is_err() {
                pending::<()>().await;
            }
        };
        // It has started, and so it is let run to its end.
        forever.await;
        Ok(())
    }
    let text = hangs(|ctx| async move { stubborn(&ctx).await });
    let at = format!("it hangs at {}:{LINE}:17", file!());
    assert!(text.contains(&at), "{text} has no {at}");
}

#[test]
fn x4_an_await_that_is_no_checkpoint_is_told_by_the_last_one_before_it() {
    let line = line!() + 4;
    let text = hangs(|ctx| async move {
        // It waits, and is over.
        leaf(&ctx.without_cancel()).await.unwrap();
        if ctx.check().is_err() {
            pending::<()>().await;
        }
    });
    let after = format!("no checkpoint of its context, after {}:{line}:16", file!());
    assert!(text.contains(&after), "{text} has no {after}");
}

#[test]
fn x4_a_task_that_never_ends_hangs_whoever_joins_it() {
    let text = hangs(|ctx| async move {
        let task = tokio::spawn({
            let ctx = ctx.clone();
            async move {
                if leaf(&ctx).await.is_err() {
                    let shield = ctx.without_cancel();
                    let _ = shield.run_until_cancelled(pending::<()>()).await;
                }
            }
        });
        task.await.unwrap();
    });
    let at = format!("it hangs at {}:", file!());
    assert!(text.contains(&at), "{text}");
}

#[test]
fn x4_a_body_that_only_wakes_itself_is_stopped() {
    let text = hangs(|ctx| async move {
        if leaf(&ctx).await.is_err() {
            loop {
                yield_now().await;
            }
        }
    });
    assert!(text.contains("polled 100000 times"), "{text}");
}

#[test]
fn x4_a_body_that_retries_what_is_cancelled_is_stopped() {
    let text = hangs(|ctx| async move { while leaf(&ctx).await.is_err() {} });
    assert!(
        text.contains(concat!("it hangs at ", file!(), ":")),
        "{text}"
    );
    assert!(text.contains("it passed 100000 checkpoints"), "{text}");
    let text = hangs(|ctx| async move { while ctx.check().is_err() {} });
    assert!(text.contains("it passed 100000 checkpoints"), "{text}");
}

/// The panic that leaves such a loop is swallowed by the task, and the test fails all the same.
#[test]
fn x4_a_task_that_retries_what_is_cancelled_is_stopped() {
    let text = hangs(|ctx| async move {
        let task = tokio::spawn(async move { while leaf(&ctx).await.is_err() {} });
        let _ = task.await;
    });
    assert!(text.contains("it passed 100000 checkpoints"), "{text}");
}

#[test]
fn x4_a_thread_that_retries_what_is_cancelled_is_stopped() {
    let text = hangs(|ctx| async move {
        let thread = tokio::task::spawn_blocking(move || while ctx.check().is_err() {});
        let _ = thread.await;
    });
    assert!(text.contains("it passed 100000 checkpoints"), "{text}");
}

/// Its clock goes on, and its body is silent. The hour begins where the task was cancelled.
#[test]
fn x4_a_task_that_ticks_for_ever_hangs_whoever_joins_it() {
    let ticked = Arc::new(AtomicU64::new(0));
    let text = hangs(|ctx| {
        let ticked = Arc::clone(&ticked);
        async move {
            let task = tokio::spawn(async move {
                let mut ticks = interval(SECOND);
                if leaf(&ctx).await.is_err() {
                    loop {
                        ticks.tick().await;
                        ticked.fetch_add(1, SeqCst);
                    }
                }
            });
            task.await.unwrap();
        }
    });
    assert!(text.contains("an hour of its paused clock"), "{text}");
    let ticked = ticked.load(SeqCst);
    assert!((3_600..4_000).contains(&ticked), "{ticked}");
}

#[test]
fn x4_an_undisturbed_run_that_never_ends_fails_too() {
    let text = hangs(|ctx| async move { ctx.run_until_cancelled(pending::<()>()).await });
    assert!(
        text.starts_with("the undisturbed run does not end"),
        "{text}"
    );
    let text = hangs(|_| pending::<()>());
    assert!(
        text.contains("it hangs before its first checkpoint"),
        "{text}"
    );
}

#[test]
fn x4_work_that_ends_late_is_no_hang() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let _ = leaf(&ctx).await;
        for _ in 0..10 {
            // Each of these is a sign, and an hour is counted from the latest.
            sleep(20 * 60 * SECOND).await;
        }
        true
    });
    assert_eq!(outputs(&sweep), [true; 3]);
}

/// What a run leaves behind is gone before the next one.
#[test]
fn x4_a_task_that_nobody_joins_does_not_matter() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        tokio::spawn(pending::<()>());
        tokio::spawn(async {
            loop {
                yield_now().await;
            }
        });
        leaf(&ctx).await.is_ok()
    });
    assert_eq!(outputs(&sweep), [true, false, false]);
}
