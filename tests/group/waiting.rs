//! G4: `wait` when the context above ends, alone and under the checkpoints of annotated functions.

use super::helpers::{Census, Count, Fault, ROOT, let_others_run};
use crate::support::{HOUR, Polled};
use ctx::{Context, Group, with_context};
use futures::{StreamExt, stream::FuturesUnordered};
use std::{future::pending, pin::pin, time::Duration};
use tokio::time::sleep;

/// A group of tasks that need an hour to clean up.
fn tidy(ctx: &Context, census: &Census, cleaned: &Count) -> Group<(), Fault> {
    let mut group = ctx.group();
    for _ in 0..3 {
        let (alive, cleaned) = (census.alive(), cleaned.clone());
        group.spawn(move |ctx| async move {
            let _alive = alive;
            let end = ctx.run_until_cancelled(pending::<()>()).await;
            sleep(HOUR).await;
            cleaned.up();
            Ok(end?)
        });
    }
    group
}

/// Cancels the context while `work` waits for a tidy group; it must wait for the tasks, and then give
/// their error.
async fn waits_for_all<F>(work: impl Fn(Context, Group<(), Fault>) -> F)
where
    F: Future<Output = Result<(), Fault>>,
{
    let (census, cleaned) = (Census::default(), Count::default());
    let ctx = ROOT.with_cancel();
    let group = tidy(&ctx, &census, &cleaned);
    let mut work = pin!(work(ctx.clone(), group));
    tokio::select! {
        biased;
        _ = &mut work => panic!("nothing has happened yet"),
        () = let_others_run() => {}
    }
    ctx.cancel_with("above");
    let before = ctx::Instant::now();
    let cancelled = work.await.unwrap_err().stopped();
    assert_eq!(cancelled.cause().unwrap().to_string(), "above");
    assert_eq!(before.elapsed(), HOUR);
    assert_eq!((census.count(), cleaned.get()), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn g4_wait_waits_when_the_context_above_ends() {
    waits_for_all(|_, group| async { group.wait().await.map(drop) }).await;
}

#[tokio::test(start_paused = true)]
async fn g4_a_checkpoint_does_not_drop_the_wait() {
    waits_for_all(|ctx, group| async move {
        ctx.run_until_cancelled(group.wait()).await??;
        Ok(())
    })
    .await;
}

#[with_context]
async fn gather(group: Group<(), Fault>) -> Result<(), Fault> {
    group.wait().await?;
    Ok(())
}

#[with_context]
async fn one_level_up(group: Group<(), Fault>) -> Result<(), Fault> {
    gather(ctx, group).await?;
    unreachable!("it is cancelled")
}

#[with_context(owned)]
async fn two_levels_up(group: Group<(), Fault>) -> Result<(), Fault> {
    one_level_up(&ctx, group).await?;
    unreachable!("it is cancelled")
}

#[tokio::test(start_paused = true)]
async fn g4_annotated_callers_at_every_level_wait() {
    waits_for_all(|ctx, group| async move { gather(&ctx, group).await }).await;
    waits_for_all(|ctx, group| async move { one_level_up(&ctx, group).await }).await;
    waits_for_all(two_levels_up).await;
}

/// The levels stand on contexts derived from each other, and the group is made on the lowest one.
#[with_context]
async fn narrower(depth: u32, census: &Census, cleaned: &Count) -> Result<(), Fault> {
    if depth > 0 {
        let ctx = ctx.with_timeout(HOUR * 100);
        return Box::pin(narrower(&ctx, depth - 1, census, cleaned)).await;
    }
    tidy(ctx, census, cleaned).wait().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn g4_callers_on_wider_contexts_wait_too_also_for_a_deadline() {
    for by_deadline in [false, true] {
        let (census, cleaned) = (Census::default(), Count::default());
        let ctx = ROOT.with_timeout(HOUR * 2);
        let mut work = pin!(narrower(&ctx, 5, &census, &cleaned));
        tokio::select! {
            biased;
            _ = &mut work => panic!("nothing has happened yet"),
            () = sleep(HOUR) => {}
        }
        if !by_deadline {
            ctx.cancel();
        }
        let cancelled = work.await.unwrap_err().stopped();
        assert_eq!(cancelled.is_deadline_exceeded(), by_deadline);
        assert_eq!((census.count(), cleaned.get()), (0, 3));
    }
}

#[with_context]
async fn beside_others(group: Group<(), Fault>) -> Result<(), Fault> {
    let mut wait = pin!(group.wait());
    loop {
        tokio::select! {
            results = &mut wait => return results.map(drop),
            () = sleep(Duration::from_secs(1)) => {}
        }
    }
}

#[with_context]
async fn joined(group: Group<(), Fault>) -> Result<(), Fault> {
    let (results, ()) = tokio::join!(group.wait(), sleep(HOUR / 2));
    results.map(drop)
}

/// The branch beside it gives up, and the wait goes on.
#[with_context]
async fn selected(group: Group<(), Fault>) -> Result<(), Fault> {
    tokio::select! {
        results = group.wait() => results.map(drop),
        () = sleep(HOUR * 100) => unreachable!("the tasks end before that"),
    }
}

/// The combinator does not poll the wait when it is polled itself.
#[with_context]
async fn unordered(group: Group<(), Fault>) -> Result<(), Fault> {
    let mut all = FuturesUnordered::from_iter([group.wait()]);
    let results = all.next().await;
    results.expect("there is one").map(drop)
}

#[tokio::test(start_paused = true)]
async fn g4_combinators_in_annotated_callers_wait() {
    waits_for_all(|ctx, group| async move { selected(&ctx, group).await }).await;
    waits_for_all(|ctx, group| async move { joined(&ctx, group).await }).await;
    waits_for_all(|ctx, group| async move { unordered(&ctx, group).await }).await;
}

/// Of a wait by reference the checkpoint drops the reference only; what owns the wait decides.
#[tokio::test(start_paused = true)]
async fn g4_a_wait_by_reference_beside_a_branch_that_gives_up_waits() {
    waits_for_all(|ctx, group| async move { beside_others(&ctx, group).await }).await;
}

#[tokio::test(start_paused = true)]
async fn g4_tasks_that_end_well_give_their_results_whatever_became_of_the_context() {
    let ctx = ROOT.with_cancel();
    let mut group = ctx.group::<_, Fault>();
    for n in 0..3 {
        group.spawn(move |ctx| async move {
            ctx.done().await;
            Ok(n)
        });
    }
    let_others_run().await;
    ctx.cancel();
    assert_eq!(group.wait().await.unwrap(), [0, 1, 2]);

    let ctx = ROOT.with_cancel();
    let mut group = ctx.group::<_, Fault>();
    group.spawn(|_| async { Ok(3) });
    let_others_run().await;
    ctx.cancel();
    assert_eq!(group.wait().await.unwrap(), [3]);
    assert_eq!(
        ctx.group::<u8, Fault>().wait().await.unwrap(),
        [],
        "nothing was skipped"
    );
}

#[tokio::test(start_paused = true)]
async fn g4_tasks_that_were_skipped_give_the_cancellation_and_the_line_that_waited() {
    let ctx = ROOT.with_cancel();
    let mut group = ctx.group::<u8, Fault>().limit(1);
    group.spawn(|ctx| async move {
        ctx.done().await;
        Ok(7)
    });
    group.spawn(|_| async { Ok(8) });
    let_others_run().await;
    ctx.cancel_with("above");
    let line = line!() + 1;
    let cancelled = group.wait().await.unwrap_err().stopped();
    assert_eq!(cancelled.cause().unwrap().to_string(), "above");
    let noticed = cancelled.noticed_at().unwrap();
    assert_eq!((noticed.file(), noticed.line()), (file!(), line));
}

#[with_context]
async fn shielded(group: Group<(), Fault>) -> Result<(), Fault> {
    #[shield]
    group.wait().await?;
    Ok(())
}

/// C1 goes before G4: a checkpoint on a context that has ended starts nothing. A shield starts it.
#[tokio::test(start_paused = true)]
async fn c1_a_checkpoint_on_an_ended_context_starts_no_wait_unless_it_is_shielded() {
    for shield in [false, true] {
        let (census, cleaned) = (Census::default(), Count::default());
        let ctx = ROOT.with_cancel();
        let group = tidy(&ctx, &census, &cleaned);
        let_others_run().await;
        ctx.cancel();
        let result = if shield {
            shielded(&ctx, group).await
        } else {
            gather(&ctx, group).await
        };
        result.unwrap_err().stopped();
        assert_eq!(cleaned.get(), if shield { 3 } else { 0 });
        let_others_run().await;
        assert_eq!(census.count(), 0);
    }
}

/// A checkpoint on a context beside the group's is the author's own limit on the waiting.
#[tokio::test(start_paused = true)]
async fn c3_a_limit_on_the_waiting_alone_gives_the_group_up() {
    let (census, cleaned) = (Census::default(), Count::default());
    let ctx = ROOT.with_cancel();
    let group = tidy(&ctx, &census, &cleaned);
    let patience = ctx.with_timeout(HOUR);
    let late = patience.run_until_cancelled(group.wait()).await;
    assert!(late.unwrap_err().is_deadline_exceeded());
    let_others_run().await;
    assert_eq!((census.count(), cleaned.get()), (0, 0));
    assert!(!ctx.is_cancelled());
}

/// While it is held, the checkpoint around it waits in no list; after it, it goes on as before.
#[test]
fn c3_a_checkpoint_around_a_wait_decides_again_when_that_is_over() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let ctx = ROOT.with_cancel();
    let mut group = ctx.group::<u8, Fault>();
    group.spawn(|_| async { Ok(7) });
    let mut outer = Polled::pending(ctx.run_until_cancelled(async {
        assert_eq!(group.wait().await.unwrap(), [7]);
        pending::<()>().await;
    }));
    runtime.block_on(let_others_run());
    assert!(outer.poll().is_pending());
    ctx.cancel();
    assert!(outer.ready().is_err());
}
