//! Rule X1: what counts as a checkpoint, and how the runs are named.

use crate::helpers::{HOUR, halves, outputs, panic_of, places};
use ctx::{
    Cancelled, Context,
    testing::{Half, cancel_at_every_checkpoint},
    with_context,
};
use futures::{StreamExt, stream::FuturesUnordered};
use std::{
    cell::Cell,
    collections::HashSet,
    future::{pending, ready},
    panic::Location,
    sync::{Arc, Mutex},
};
use tokio::task::{spawn_blocking, yield_now};

#[with_context]
async fn leaf() -> Result<(), Cancelled> {
    yield_now().await;
    Ok(())
}

#[with_context]
async fn middle() -> Result<(), Cancelled> {
    leaf(ctx).await?;
    leaf(ctx).await
}

#[with_context]
async fn top() -> Result<(), Cancelled> {
    middle(ctx).await
}

#[test]
fn x1_the_body_runs_once_undisturbed_and_once_for_each_half() {
    let runs = Cell::new(0);
    let sweep = cancel_at_every_checkpoint(|ctx| {
        runs.set(runs.get() + 1);
        async move { top(&ctx).await.err() }
    });
    // top's await, middle's two and each leaf's: the leaves are where the work waits.
    assert_eq!(sweep.checkpoints(), 5);
    assert_eq!(halves(&sweep), ".SSSPSSP");
    assert_eq!(runs.get(), sweep.iter().count());
    for run in &sweep {
        let noticed_at = run.output().as_ref().and_then(Cancelled::noticed_at);
        assert_eq!(noticed_at, run.cancelled_at(), "{run}");
    }
}

#[test]
fn x1_the_runs_are_named_as_editors_find_them() {
    let line = line!() + 3;
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        for _ in 0..2 {
            let _ = ctx.run_until_cancelled(yield_now()).await;
        }
    });
    let at = format!("{}:{line}:25", file!());
    let names: Vec<_> = sweep.iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "undisturbed".to_owned(),
            format!("{at}, at its start"),
            format!("{at}, while pending"),
            format!("{at} (time 2), at its start"),
            format!("{at} (time 2), while pending"),
        ]
    );
}

#[test]
fn x1_the_error_says_who_cancelled_and_where() {
    let line = line!() + 1;
    let sweep = cancel_at_every_checkpoint(|ctx| async move { ctx.check().err() });
    let run = sweep.iter().nth(1).unwrap();
    let cancelled = run.output().as_ref().unwrap();
    assert_eq!(
        cancelled.cause().unwrap().to_string(),
        format!("cancelled by a test at {run}")
    );
    assert_eq!(
        (
            cancelled.cancelled_at().file(),
            cancelled.cancelled_at().line()
        ),
        (file!(), line)
    );
}

#[test]
fn x1_a_body_without_checkpoints_runs_once() {
    let sweep = cancel_at_every_checkpoint(|_| async { 7 });
    assert_eq!((sweep.checkpoints(), outputs(&sweep)), (0, vec![7]));
}

#[test]
fn x1_the_output_may_borrow() {
    let words = vec!["a".to_owned(), "b".to_owned()];
    let sweep = cancel_at_every_checkpoint(|ctx| {
        let words = &words;
        async move {
            let mut seen = Vec::new();
            for word in words {
                if ctx.check().is_err() {
                    break;
                }
                seen.push(word.as_str());
            }
            seen
        }
    });
    assert_eq!(outputs(&sweep), [vec!["a", "b"], vec![], vec!["a"]]);
}

/// Whatever is called with a context and gives a future.
#[test]
fn x1_a_body_may_be_a_function_or_an_async_closure() {
    async fn body(ctx: Context) -> bool {
        ctx.check().is_ok()
    }
    let expected = [true, false];
    assert_eq!(outputs(&cancel_at_every_checkpoint(body)), expected);
    let sweep = cancel_at_every_checkpoint(async |ctx: Context| ctx.check().is_ok());
    assert_eq!(outputs(&sweep), expected);
}

#[test]
fn x1_every_kind_of_checkpoint_counts() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        ctx.check()?;
        ctx.run_until_cancelled(ready(())).await?;
        ctx.run_until_cancelled_owned(ready(())).await?;
        leaf(&ctx).await
    });
    assert_eq!(
        (sweep.checkpoints(), halves(&sweep).as_str()),
        (4, ".SSSSP")
    );
}

#[test]
fn x1_so_do_those_of_contexts_that_descend() {
    ctx::ctx_value! { ONE: u8; }
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let other = Context::background().with_cancel();
        let outer = ctx.with_timeout(HOUR);
        for derived in [
            ctx.with_value(&ONE, 1),
            ctx.with_cancel().detach(),
            outer.with_value(&ONE, 1).with_cancel().detach(),
            ctx.merge(&other).detach(),
            other.merge(&ctx).detach(),
        ] {
            leaf(&derived).await?;
        }
        Ok::<_, Cancelled>(())
    });
    assert_eq!(
        (sweep.checkpoints(), halves(&sweep).as_str()),
        (5, ".SPSPSPSPSP")
    );
    assert!(sweep.iter().skip(1).all(|run| run.output().is_err()));
}

#[test]
fn x1_what_cannot_be_cancelled_by_the_context_does_not_count() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let other = Context::background().with_cancel();
        leaf(&other).await?;
        leaf(&Context::background()).await?;
        leaf(&ctx.without_cancel()).await?;
        leaf(&ctx.without_cancel().with_cancel()).await?;
        ctx.without_cancel().check()?;
        let mut done = std::pin::pin!(ctx.done());
        assert!(futures::poll!(&mut done).is_pending());
        shielded(&ctx).await
    });
    assert_eq!(sweep.checkpoints(), 0);
}

#[with_context]
async fn shielded() -> Result<(), Cancelled> {
    #[shield]
    {
        leaf(ctx).await?;
        yield_now().await;
    }
    Ok(())
}

#[test]
fn x1_tasks_and_threads_count() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let task = tokio::spawn({
            let ctx = ctx.clone();
            async move { leaf(&ctx).await.is_ok() }
        });
        let in_task = task.await.unwrap();
        let thread = spawn_blocking({
            let ctx = ctx.with_cancel().detach();
            move || ctx.check().is_ok()
        });
        (in_task, thread.await.unwrap())
    });
    assert_eq!(sweep.checkpoints(), 2);
    assert_eq!(halves(&sweep), ".SPS");
    assert_eq!(
        outputs(&sweep),
        [(true, true), (false, false), (false, false), (true, false)]
    );
}

/// The order in which threads get to their checkpoints is nobody's; how often each is passed is. They take turns, as one
/// may otherwise pass between the other's pass and what that finds.
#[test]
fn x1_threads_beside_each_other_are_swept_too() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let turn = Arc::new(Mutex::new(()));
        let work = |looks: usize| {
            let (ctx, turn) = (ctx.clone(), Arc::clone(&turn));
            let look = move |_: &usize| {
                let _turn = turn.lock().unwrap();
                ctx.check().is_ok()
            };
            spawn_blocking(move || (0..looks).filter(look).count())
        };
        let (a, b) = (work(3), work(4));
        a.await.unwrap() + b.await.unwrap()
    });
    assert_eq!(sweep.checkpoints(), 7);
    for (n, run) in sweep.iter().enumerate().skip(1) {
        assert_eq!(*run.output(), n - 1, "{run}");
    }
}

#[test]
fn x1_branches_count_one_by_one() {
    #[with_context]
    async fn joined() -> Result<(), Cancelled> {
        tokio::join!(yield_now(), yield_now());
        Ok(())
    }
    #[with_context]
    async fn raced() -> Result<(), Cancelled> {
        tokio::select! { biased;
            () = pending() => {}
            () = pending() => {}
            _ = ctx.done() => {}
            () = yield_now() => {}
        }
        Ok(())
    }
    #[with_context]
    async fn tried() -> Result<(), Cancelled> {
        tokio::try_join!(fine(), fine())?;
        Ok(())
    }
    async fn fine() -> Result<(), Cancelled> {
        pending_twice().await;
        Ok(())
    }
    async fn pending_twice() {
        yield_now().await;
        yield_now().await;
    }
    let sweep = cancel_at_every_checkpoint(|ctx| async move { joined(&ctx).await.is_ok() });
    assert_eq!((sweep.checkpoints(), halves(&sweep).as_str()), (2, ".SPSP"));
    assert_eq!(outputs(&sweep), [true, false, false, false, false]);
    let sweep = cancel_at_every_checkpoint(|ctx| async move { raced(&ctx).await.is_ok() });
    assert_eq!(
        (sweep.checkpoints(), halves(&sweep).as_str()),
        (4, ".SPSPSPSP")
    );
    let sweep = cancel_at_every_checkpoint(|ctx| async move { tried(&ctx).await.is_ok() });
    assert_eq!((sweep.checkpoints(), halves(&sweep).as_str()), (2, ".SPSP"));
    assert_eq!(outputs(&sweep), [true, false, false, false, false]);
}

#[test]
fn x1_the_members_of_a_crowd_count_one_by_one() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let mut crowd: FuturesUnordered<_> = (0..3).map(|_| leaf(&ctx)).collect();
        let mut fine = 0;
        while let Some(result) = crowd.next().await {
            fine += usize::from(result.is_ok());
        }
        fine
    });
    assert_eq!(
        (sweep.checkpoints(), halves(&sweep).as_str()),
        (3, ".SPSPSP")
    );
    // A member that was cancelled is gone, and one that is ready in the next poll is not.
    assert_eq!(outputs(&sweep), [3, 0, 0, 1, 1, 2, 2]);
}

/// A checkpoint that the budget holds up comes back, and is the same one still.
#[test]
fn x1_a_checkpoint_that_the_budget_holds_up_counts_once() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let mut fine = 0;
        while fine < 300 && ctx.run_until_cancelled(ready(())).await.is_ok() {
            fine += 1;
        }
        fine
    });
    assert_eq!(sweep.checkpoints(), 300);
    for (nth, run) in sweep.iter().skip(1).enumerate() {
        assert_eq!(*run.output(), nth, "{run}");
    }
}

#[test]
fn x1_the_same_line_is_told_apart_by_how_often_it_was_passed() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let mut rounds = 0;
        while rounds < 3 && leaf(&ctx).await.is_ok() {
            rounds += 1;
        }
        rounds
    });
    assert_eq!(outputs(&sweep), [3, 0, 0, 1, 1, 2, 2]);
    let names: HashSet<_> = places(&sweep).into_iter().collect();
    assert_eq!(names.len(), 7);
}

#[tokio::test]
async fn x1_inside_a_runtime_it_says_what_to_do() {
    let text = panic_of(|| cancel_at_every_checkpoint(|_| async {}));
    assert!(text.contains("plain `#[test]` fn"), "{text}");
}

#[test]
fn x1_a_sweep_inside_a_sweep_says_so_too() {
    let text = panic_of(|| {
        cancel_at_every_checkpoint(|_| async {
            cancel_at_every_checkpoint(|_| async {}).checkpoints()
        })
    });
    assert!(text.contains("brings its own runtime"), "{text}");
}

/// On a thread of its own it is as good as alone.
#[test]
fn x1_a_sweep_on_a_thread_inside_a_sweep_works() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let inner = || cancel_at_every_checkpoint(|ctx| async move { leaf(&ctx).await.is_ok() });
        let inner = std::thread::scope(|scope| scope.spawn(inner).join().unwrap());
        (halves(&inner), leaf(&ctx).await.is_ok())
    });
    assert_eq!(halves(&sweep), ".SP");
    assert!(sweep.iter().all(|run| run.output().0 == ".SP"));
}

#[test]
fn x1_a_panic_goes_on_and_names_the_run() {
    let seen: Arc<Mutex<Vec<&Location<'_>>>> = Arc::default();
    let text = panic_of(|| {
        cancel_at_every_checkpoint(|ctx| {
            let seen = Arc::clone(&seen);
            async move {
                if let Err(cancelled) = leaf(&ctx).await {
                    seen.lock().unwrap().extend(cancelled.noticed_at());
                    panic!("the body cannot bear it");
                }
            }
        })
    });
    let at = seen.lock().unwrap()[0];
    assert_eq!(
        text,
        format!("the run cancelled at {at}, at its start, panicked: the body cannot bear it")
    );
    assert_eq!(
        panic_of(|| cancel_at_every_checkpoint(|_| async { panic!("as it is") })),
        "as it is"
    );
}

#[test]
fn x1_the_undisturbed_run_comes_first_and_has_no_place() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move { ctx.is_cancelled() });
    let first = sweep.iter().next().unwrap();
    assert_eq!(
        (first.cancelled_at(), first.half(), *first.output()),
        (None, None, false)
    );
    let sweep = cancel_at_every_checkpoint(|ctx| async move { ctx.check().is_err() });
    assert_eq!(sweep.iter().nth(1).unwrap().half(), Some(Half::Start));
}
