//! The driver's own tests: what it must refuse.

use super::{
    app::AppError,
    driver::{Blow, Plan, Run, Wakers, run, survives},
};
use std::{future::pending, sync::Arc, time::Duration};
use tokio::{task::yield_now, time::sleep};

#[test]
#[should_panic(expected = "it hangs after 1 polls")]
fn a_scenario_that_nobody_wakes() {
    let plan = Plan {
        blow: Blow::AfterPoll(1),
        wakers: Wakers::One,
    };
    run(plan, &async |_: Run| pending::<()>().await);
}

#[test]
#[should_panic(expected = "it went on for 4s")]
fn a_scenario_that_does_not_listen() {
    survives((), async |_| {
        sleep(Duration::from_secs(4)).await;
        Ok(())
    });
}

#[test]
#[should_panic(expected = "it goes on after its end")]
fn a_scenario_that_spins() {
    let plan = Plan {
        blow: Blow::AfterPoll(1),
        wakers: Wakers::New,
    };
    run(plan, &async |_: Run| {
        loop {
            yield_now().await;
        }
    });
}

#[test]
#[should_panic(expected = "guards are left")]
fn a_scenario_that_leaks_a_guard() {
    survives((), async |run| {
        std::mem::forget(run.live.guard());
        yield_now().await;
        Ok(())
    });
}

#[test]
#[should_panic(expected = "contexts are left")]
fn a_scenario_that_leaks_its_context() {
    survives((), async |run| {
        std::mem::forget(Arc::new(run.ctx.with_cancel().detach()));
        yield_now().await;
        Ok(())
    });
}

#[test]
#[should_panic(expected = "tasks are left")]
fn a_scenario_that_leaves_a_task() {
    survives((), async |_| {
        tokio::spawn(pending::<()>());
        yield_now().await;
        Ok(())
    });
}

#[test]
#[should_panic(expected = "is no cancellation")]
fn a_scenario_that_hides_its_cancellation() {
    survives((), async |run| {
        let stopped = run.ctx.run_until_cancelled(yield_now()).await;
        stopped.map_err(|_| AppError::TooSlow)
    });
}
