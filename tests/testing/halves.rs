//! Rule X2: what each half of a checkpoint does to the work, and where there is only one.

use crate::helpers::{SECOND, halves, outputs};
use ctx::{Cancelled, Context, testing::cancel_at_every_checkpoint, with_context};
use futures::{StreamExt, stream::FuturesUnordered};
use std::{
    future::{Future, pending},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context as TaskContext, Poll},
};
use tokio::{sync::oneshot, task::yield_now, time::sleep};

type Log = Arc<Mutex<Vec<&'static str>>>;

fn take(log: &Log) -> Vec<&'static str> {
    std::mem::take(&mut log.lock().unwrap())
}

/// Pending once, and it tells all that is done to it.
struct Told {
    log: Log,
    polled: bool,
}

impl Told {
    fn new(log: &Log) -> Self {
        Self {
            log: Arc::clone(log),
            polled: false,
        }
    }
}

impl Future for Told {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        self.log.lock().unwrap().push("polled");
        if std::mem::replace(&mut self.polled, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.log.lock().unwrap().push("dropped");
    }
}

#[test]
fn x2_at_its_start_nothing_is_polled_and_while_pending_it_is_dropped() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let log = Log::default();
        let result = ctx.run_until_cancelled(Told::new(&log)).await;
        (result.is_ok(), take(&log))
    });
    assert_eq!(halves(&sweep), ".SP");
    assert_eq!(
        outputs(&sweep),
        [
            (true, vec!["polled", "polled", "dropped"]),
            (false, vec!["dropped"]),
            // It would be ready in the next poll, and then its result would win (rule C2).
            (false, vec!["polled", "dropped"]),
        ]
    );
}

/// Whoever is asked is ready first, so that a cancellation which waited for the next poll would come late.
#[test]
fn x2_a_request_that_is_about_to_be_answered_is_abandoned_all_the_same() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let (ask, asked) = oneshot::channel::<oneshot::Sender<u8>>();
        let server = tokio::spawn(async move { asked.await.unwrap().send(7).is_ok() });
        let (answer, answered) = oneshot::channel();
        ask.send(answer).unwrap();
        let answer = ctx.run_until_cancelled(answered).await;
        (answer.ok().map(Result::unwrap), server.await.unwrap())
    });
    assert_eq!(
        outputs(&sweep),
        [(Some(7), true), (None, false), (None, false)]
    );
}

#[test]
fn x2_what_is_never_pending_has_one_half() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        ctx.check()?;
        ctx.run_until_cancelled(async {}).await
    });
    assert_eq!(halves(&sweep), ".SS");
}

#[test]
fn x2_a_between_call_has_the_first_half_only() {
    #[with_context(checkpoints = between)]
    async fn between() -> Result<u8, Cancelled> {
        yield_now().await;
        yield_now().await;
        Ok(2)
    }
    let sweep = cancel_at_every_checkpoint(|ctx| async move { between(&ctx).await.ok() });
    assert_eq!(halves(&sweep), ".SS");
    assert_eq!(outputs(&sweep), [Some(2), None, None]);
}

#[with_context]
async fn leaf() -> Result<(), Cancelled> {
    yield_now().await;
    Ok(())
}

/// The outer call is pending with the inner one, and later on its own account.
#[test]
fn x2_the_second_half_is_where_the_decision_is() {
    #[with_context]
    async fn outer() -> Result<(), Cancelled> {
        leaf(ctx).await
    }
    #[with_context]
    async fn mixed() -> Result<(), Cancelled> {
        let inner = async {
            leaf(ctx).await?;
            yield_now().await;
            Ok(())
        };
        inner.await
    }
    let sweep = cancel_at_every_checkpoint(|ctx| async move { outer(&ctx).await.is_ok() });
    assert_eq!(halves(&sweep), ".SSP");
    // The block's await, the call of `leaf` inside it is none, the leaf's own.
    let sweep = cancel_at_every_checkpoint(|ctx| async move { mixed(&ctx).await.err() });
    assert_eq!(halves(&sweep), ".SPSP");
    for run in &sweep {
        let noticed_at = run.output().as_ref().and_then(Cancelled::noticed_at);
        assert_eq!(noticed_at, run.cancelled_at(), "{run}");
    }
}

/// Also where the one inside has another waker.
#[test]
fn x2_the_members_of_a_crowd_decide_for_whoever_waits_for_them() {
    #[with_context]
    async fn all() -> Result<(), Cancelled> {
        let mut crowd: FuturesUnordered<_> = (0..2).map(|_| leaf(ctx)).collect();
        while let Some(result) = crowd.next().await {
            result?;
        }
        Ok(())
    }
    let sweep = cancel_at_every_checkpoint(|ctx| async move { all(&ctx).await.is_ok() });
    // The first `next`, its two members, and the `next` for the second and for the end.
    assert_eq!(halves(&sweep), ".SSPSPSS");
}

/// The cancellation comes while the shield is at work, and then it is held up.
#[test]
fn x2_a_caller_of_a_shield_is_cancelled_in_the_middle_of_it() {
    #[with_context]
    async fn shielded(log: &Log) -> Result<(), Cancelled> {
        #[shield]
        Told::new(log).await;
        let ended = if ctx.is_cancelled() { "ended" } else { "live" };
        log.lock().unwrap().push(ended);
        Ok(())
    }
    #[with_context]
    async fn caller(log: &Log) -> Result<(), Cancelled> {
        shielded(ctx, log).await
    }
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let log = Log::default();
        let result = caller(&ctx, &log).await;
        (result.is_ok(), take(&log))
    });
    assert_eq!(halves(&sweep), ".SP");
    assert_eq!(
        outputs(&sweep),
        [
            (true, vec!["polled", "polled", "dropped", "live"]),
            (false, vec![]),
            (true, vec!["polled", "polled", "dropped", "ended"]),
        ]
    );
}

/// A branch that was cancelled gives up, and a sibling that is ready in the next poll still wins.
#[test]
fn x2_each_branch_is_cancelled_alone() {
    #[with_context]
    async fn race(log: &Log) -> Result<(), Cancelled> {
        tokio::select! { biased;
            () = Told::new(log) => {}
            () = pending() => {}
        }
        Ok(())
    }
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let log = Log::default();
        (race(&ctx, &log).await.is_ok(), take(&log))
    });
    assert_eq!(halves(&sweep), ".SPSP");
    let all = vec!["polled", "polled", "dropped"];
    assert_eq!(
        outputs(&sweep),
        [
            (true, all.clone()),
            (false, vec!["dropped"]),
            (false, vec!["polled", "dropped"]),
            (true, all.clone()),
            (true, all),
        ]
    );
}

/// Cleanup runs on what was cancelled, and on a budget of its own.
#[test]
fn x2_cleanup_after_either_half_runs_to_its_end() {
    #[with_context]
    async fn work(log: &Log) -> Result<(), Cancelled> {
        let result = leaf(ctx).await;
        if result.is_err() {
            let ctx = ctx.without_cancel();
            let ctx = ctx.with_timeout(SECOND * 2);
            sleep(SECOND).await;
            leaf(&ctx).await?;
            log.lock().unwrap().push("clean");
        }
        result
    }
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let log = Log::default();
        let _ = work(&ctx, &log).await;
        take(&log)
    });
    assert_eq!(
        outputs(&sweep),
        [vec![], vec![], vec!["clean"], vec!["clean"]]
    );
}

/// A deadline below that passes first is what ended the context there: the first end wins (T2).
#[test]
fn x2_a_deadline_is_not_disturbed_by_a_cancellation_that_comes_later() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let ended = |ctx: Context| async move {
            let scope = ctx.with_timeout(SECOND);
            let late = scope.run_until_cancelled(pending::<()>()).await;
            late.unwrap_err().is_deadline_exceeded()
        };
        (ended(ctx.clone()).await, ended(ctx).await)
    });
    assert_eq!(halves(&sweep), ".SPSP");
    assert_eq!(
        outputs(&sweep),
        [
            (true, true),
            (false, false),
            (false, false),
            (true, false),
            (true, false),
        ]
    );
}
