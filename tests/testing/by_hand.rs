//! Rule X5: counting, and cancelling at the n-th checkpoint from now, in tests written by hand.

use crate::helpers::panic_of;
use ctx::{
    Cancelled, Context, Trigger,
    testing::{CancelAt, Half, count_checkpoints},
    with_context,
};
use std::{
    future::{Future, IntoFuture, pending, poll_fn, ready},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context as TaskContext, Poll, Wake},
};
use tokio::task::yield_now;

#[with_context]
async fn three() -> Result<u8, Cancelled> {
    yield_now().await;
    yield_now().await;
    yield_now().await;
    Ok(3)
}

#[with_context]
async fn nested() -> Result<u8, Cancelled> {
    ctx.check()?;
    let sum = three(ctx).await? + three(ctx).await?;
    #[shield]
    yield_now().await;
    Ok(sum)
}

#[tokio::test]
async fn x5_the_checkpoints_of_a_future_are_counted() {
    let ctx = Context::background().with_cancel();
    assert_eq!(count_checkpoints(ready(1)).await, (1, 0));
    let (three, passed) = count_checkpoints(three(&ctx)).await;
    assert_eq!((three.unwrap(), passed), (3, 3));
    let (nested, passed) = count_checkpoints(nested(&ctx)).await;
    assert_eq!((nested.unwrap(), passed), (6, 9));
}

#[tokio::test]
async fn x5_they_are_counted_on_background_too() {
    let (three, passed) = count_checkpoints(three(&Context::background())).await;
    assert_eq!((three.unwrap(), passed), (3, 3));
}

#[tokio::test]
async fn x5_counts_stand_inside_and_beside_each_other() {
    let ctx = Context::background();
    let inner = async { count_checkpoints(three(&ctx)).await.1 };
    let ((a, (b, (_, c))), passed) = count_checkpoints(async {
        let other = count_checkpoints(async { count_checkpoints(three(&ctx)).await });
        let (a, (b, outer)) = tokio::join!(inner, other);
        (a, (outer, b))
    })
    .await;
    assert_eq!((a, b, c, passed), (3, 3, 3, 6));
}

/// The runtime polls other tasks between its polls, and theirs are not its own.
#[tokio::test]
async fn x5_what_others_pass_meanwhile_does_not_count() {
    let ctx = Context::background();
    let other = tokio::spawn(async { three(&Context::background()).await });
    let (_, passed) = count_checkpoints(three(&ctx)).await;
    assert_eq!(passed, 3);
    other.await.unwrap().unwrap();
}

#[tokio::test]
async fn x5_a_context_is_cancelled_at_the_nth_checkpoint_from_now() {
    for nth in 1..=3 {
        for half in [Half::Start, Half::Pending] {
            let ctx = CancelAt::below(&Context::background());
            ctx.cancel_at(nth, half);
            let line = line!() - 1;
            let cancelled = three(&ctx).await.unwrap_err();
            assert_eq!(ctx.checkpoints(), nth);
            assert_eq!(ctx.cancelled_at(), cancelled.noticed_at());
            assert_eq!(cancelled.cancelled_at().line(), line);
            assert_eq!(cancelled.trigger(), Trigger::Call);
        }
    }
}

#[tokio::test]
async fn x5_from_now_means_from_the_call() {
    let ctx = CancelAt::below(&Context::background());
    three(&ctx).await.unwrap();
    assert_eq!((ctx.checkpoints(), ctx.cancelled_at()), (3, None));
    ctx.cancel_at(4, Half::Start);
    three(&ctx).await.unwrap();
    assert!(three(&ctx).await.is_err());
    assert_eq!(ctx.checkpoints(), 7);
}

#[tokio::test]
async fn x5_the_latest_call_is_the_one_that_holds() {
    let ctx = CancelAt::below(&Context::background());
    ctx.cancel_at(1, Half::Pending);
    ctx.cancel_at(2, Half::Start);
    assert!(three(&ctx).await.is_err());
    assert_eq!(ctx.checkpoints(), 2);
}

/// Also when the earlier one had come as far as to its checkpoint.
#[tokio::test]
async fn x5_a_call_in_the_middle_of_a_checkpoint_is_about_the_next_one() {
    let ctx = CancelAt::below(&Context::background());
    ctx.cancel_at(1, Half::Pending);
    let within = async {
        ctx.cancel_at(1, Half::Pending);
        yield_now().await;
    };
    ctx.run_until_cancelled(within).await.unwrap();
    assert!(ctx.run_until_cancelled(yield_now()).await.is_err());
}

#[tokio::test]
async fn x5_a_checkpoint_that_is_never_pending_has_no_second_half() {
    let ctx = CancelAt::below(&Context::background());
    ctx.cancel_at(1, Half::Pending);
    for round in 0..3 {
        // Those after the first stand in its place in memory, and nowhere else.
        let pends = async {
            if round > 0 {
                yield_now().await;
            }
        };
        ctx.run_until_cancelled(pends).await.unwrap();
    }
    assert_eq!(ctx.cancelled_at(), None);
}

#[tokio::test]
async fn x5_two_of_them_may_stand_below_each_other() {
    let outer = CancelAt::below(&Context::background());
    let inner = CancelAt::below(&outer);
    outer.cancel_at(2, Half::Start);
    inner.cancel_at(4, Half::Start);
    assert!(three(&inner).await.is_err());
    assert_eq!((outer.checkpoints(), inner.checkpoints()), (2, 2));
    assert!(outer.cancelled_at().is_some() && inner.cancelled_at().is_none());
}

#[tokio::test]
async fn x5_its_parent_and_its_owner_cancel_it_as_any_scope() {
    let parent = Context::background().with_cancel();
    let (below, dropped) = (CancelAt::below(&parent), CancelAt::below(&parent));
    let clone = Context::clone(&dropped);
    drop(dropped);
    assert_eq!(clone.err().unwrap().trigger(), Trigger::Dropped);
    parent.cancel();
    assert!(below.is_cancelled() && below.cancelled_at().is_none());
    assert!(format!("{below:?}").starts_with("Background.with_cancel("));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x5_it_hears_of_tasks_on_any_thread() {
    let ctx = CancelAt::below(&Context::background());
    let work = |ctx: Context| async move { three(&ctx).await.is_ok() };
    let tasks: Vec<_> = (0..8)
        .map(|_| tokio::spawn(work(ctx.with_cancel().detach())))
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    assert_eq!(ctx.checkpoints(), 24);
}

#[test]
fn x5_there_is_no_checkpoint_zero() {
    let ctx = CancelAt::below(&Context::background());
    let text = panic_of(|| ctx.cancel_at(0, Half::Start));
    assert_eq!(text, "the next checkpoint is number 1");
}

#[test]
fn all_that_is_public_can_be_shared_and_printed() {
    fn holds<
        T: Send + Sync + std::fmt::Debug + std::panic::UnwindSafe + std::panic::RefUnwindSafe,
    >() {
    }
    holds::<CancelAt>();
    holds::<Half>();
    holds::<ctx::testing::Run<u8>>();
    holds::<ctx::testing::Sweep<u8>>();
    holds::<ctx::testing::CountCheckpoints<std::future::Ready<u8>>>();
}

/// A call that was answered, while somebody listens. Nobody relied on the answer, and who gave it is gone.
#[tokio::test]
async fn c8_a_between_call_that_is_counted_is_woken_for_nothing_by_no_end() {
    struct Wakes(AtomicUsize);
    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let scope = Context::background().with_cancel();
    let wakes = Arc::new(Wakes(AtomicUsize::new(0)));
    let mut inner = Some(Box::pin(scope.run_until_cancelled_owned(pending::<()>())));
    let mut polls = 0;
    let future = poll_fn(|cx| {
        polls += 1;
        if polls > 1 {
            inner = None;
        }
        if let Some(inner) = &mut inner {
            assert!(inner.as_mut().poll(cx).is_pending());
        }
        Poll::<()>::Pending
    });
    let call = ctx::__private::between(scope.clone(), future).into_future();
    let (woken, passed) = count_checkpoints(async {
        let mut call = pin!(call);
        let task = Arc::clone(&wakes).into();
        for _ in 0..2 {
            let mut cx = TaskContext::from_waker(&task);
            assert!(call.as_mut().poll(&mut cx).is_pending());
        }
        scope.cancel();
        wakes.0.load(Ordering::Relaxed)
    })
    .await;
    assert_eq!((woken, passed), (0, 2));
}
