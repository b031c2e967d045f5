//! One deadline more, where many are live and waited for.

use crate::{
    leaf::{Leaf, finish, waker},
    report::Who,
    sampler::Sampler,
    timed::{Timed, each},
};
use ctx::Context;
use std::{
    future::{Future, pending},
    hint::black_box,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Waker},
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};

const LIVE: [u32; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
const HOUR: Duration = Duration::from_secs(3600);

/// A runtime that sleeps until a timer which is earlier than all others, as a server's does, so that
/// nobody has to wake its driver.
fn runtime() -> Arc<Runtime> {
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = Arc::new(runtime.expect("a runtime is to be had"));
    runtime.block_on(async {
        tokio::spawn(tokio::time::sleep(HOUR / 2));
        tokio::time::sleep(Duration::from_millis(2)).await;
    });
    runtime
}

/// An hour and some, each a millisecond after the other.
fn spread(live: u32) -> impl Iterator<Item = Duration> {
    (0..live).map(|it| HOUR + Duration::from_millis(u64::from(it)))
}

pub(crate) fn panels(sampler: &mut Sampler) {
    sampler
        .panel(
            "Await once under a deadline, beside live ones",
            "live deadlines",
        )
        .ours(ours)
        .here("tokio::time::timeout", Who::Tokio, timeouts)
        .go("Go (derive and cancel)", "ScaleDeadline", 1_000_000)
        .at(&LIVE);
}

fn poll_all<F: Future>(futures: &mut [Pin<Box<F>>], waker: &Waker) {
    let mut cx = TaskContext::from_waker(waker);
    for future in futures {
        assert!(future.as_mut().poll(&mut cx).is_pending());
    }
}

fn ours(live: u32) -> Timed<'static> {
    let (runtime, waker) = (runtime(), waker());
    let root = Context::background().with_cancel();
    let mut others: Vec<_> = {
        let _inside = runtime.enter();
        let scopes = spread(live).map(|after| root.with_timeout(after).detach());
        scopes.map(|it| Box::pin(it.done_owned())).collect()
    };
    {
        let _inside = runtime.enter();
        poll_all(&mut others, &waker);
    }
    let mut once = each(move || {
        let work = async {
            let scope = black_box(&*root).with_timeout(black_box(HOUR));
            scope.run_until_cancelled(Leaf(black_box(1))).await
        };
        finish(work, &waker)
    });
    Box::new(move |times| {
        let _inside = runtime.enter();
        // Kept until the last round.
        let _others = &others;
        once(times)
    })
}

fn timeouts(live: u32) -> Timed<'static> {
    let (runtime, waker) = (runtime(), waker());
    let mut others: Vec<_> = {
        let _inside = runtime.enter();
        let timeouts = spread(live).map(|after| tokio::time::timeout(after, pending::<()>()));
        timeouts.map(Box::pin).collect()
    };
    {
        let _inside = runtime.enter();
        poll_all(&mut others, &waker);
    }
    let mut once = each(move || {
        finish(
            tokio::time::timeout(black_box(HOUR), Leaf(black_box(1))),
            &waker,
        )
    });
    Box::new(move |times| {
        let _inside = runtime.enter();
        let _others = &others;
        once(times)
    })
}
