//! G1: the first error or panic.

use super::helpers::{Census, Count, Fault, ROOT, let_others_run};
use crate::support::HOUR;
use ctx::{BoxError, Cancelled, Context, Group, TaskFailed, TaskPanicked, Trigger};
use std::{
    fmt,
    future::pending,
    panic::{RefUnwindSafe, UnwindSafe, panic_any},
    sync::{Arc, Mutex},
};
use tokio::{sync::oneshot, time::sleep};

type Heard = Arc<Mutex<Vec<Cancelled>>>;

/// Adds tasks that note what ended their context.
fn add_listeners(group: &mut Group<usize, Fault>, count: usize) -> Heard {
    let heard = Heard::default();
    for _ in 0..count {
        let heard = Arc::clone(&heard);
        group.spawn(move |ctx| async move {
            let cancelled = ctx.done().await;
            heard.lock().unwrap().push(cancelled);
            Ok(0)
        });
    }
    heard
}

#[tokio::test(start_paused = true)]
async fn g1_the_first_error_cancels_the_rest_at_once_and_wait_returns_it() {
    let ctx = ROOT.with_cancel();
    let mut group = ctx.group();
    let sibling = ctx.group::<(), Fault>();
    let heard = add_listeners(&mut group, 3);
    let text: Arc<str> = "disk full".into();
    let error = Fault::Own(Arc::clone(&text));
    let (fail, failing) = oneshot::channel::<()>();
    let line = line!() + 1;
    group.spawn(|_| async move {
        failing.await.unwrap();
        Err(error)
    });
    let_others_run().await;
    assert!(heard.lock().unwrap().is_empty());
    fail.send(()).unwrap();
    let_others_run().await;
    // Nobody waits yet.
    let told = std::mem::take(&mut *heard.lock().unwrap());
    assert_eq!(told.len(), 3);
    for cancelled in told {
        let expected = TaskFailed {
            index: 3,
            message: "disk full".to_owned(),
        };
        assert_eq!(cancelled.cause_as::<TaskFailed>(), Some(&expected));
        assert_eq!(expected.to_string(), "task 3 failed: disk full");
        assert_eq!(cancelled.trigger(), Trigger::Call);
        let at = cancelled.cancelled_at();
        assert_eq!((at.file(), at.line()), (file!(), line));
    }
    let Err(Fault::Own(returned)) = group.wait().await else {
        panic!("it failed");
    };
    assert!(Arc::ptr_eq(&returned, &text), "the error itself");
    assert!(!ctx.is_cancelled() && !format!("{sibling:?}").contains("cancelled"));
}

#[tokio::test(start_paused = true)]
async fn g1_the_first_panic_cancels_the_rest_at_once_and_wait_resumes_it() {
    let mut group = ROOT.group();
    let heard = add_listeners(&mut group, 2);
    group.spawn(|_| async { panic!("no such {}", "shard") });
    let_others_run().await;
    let told = std::mem::take(&mut *heard.lock().unwrap());
    assert_eq!(told.len(), 2);
    for cancelled in told {
        let expected = TaskPanicked {
            index: 2,
            message: "no such shard".to_owned(),
        };
        assert_eq!(cancelled.cause_as::<TaskPanicked>(), Some(&expected));
        assert_eq!(expected.to_string(), "task 2 panicked: no such shard");
    }
    assert_eq!(panic_of(group).await, "no such shard");
}

/// The panic that `wait` ends with, as text.
async fn panic_of(group: Group<usize, Fault>) -> String {
    let payload = tokio::spawn(group.wait()).await.unwrap_err().into_panic();
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast::<&str>().unwrap().to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn g1_the_panic_is_resumed_with_its_own_payload() {
    let mut group = ROOT.group::<usize, Fault>();
    let heard = add_listeners(&mut group, 1);
    let payload = Arc::new(7);
    let sent = Arc::clone(&payload);
    group.spawn(|_| async { panic_any(sent) });
    let caught = tokio::spawn(group.wait()).await.unwrap_err().into_panic();
    assert!(Arc::ptr_eq(
        &caught.downcast::<Arc<i32>>().unwrap(),
        &payload
    ));
    let told = heard.lock().unwrap().pop().unwrap();
    let cause = told.cause_as::<TaskPanicked>().unwrap();
    assert_eq!(cause.message, "a payload that is no text");
}

#[tokio::test(start_paused = true)]
async fn g1_of_many_failures_the_first_counts() {
    for panics in [false, true] {
        let mut group = ROOT.group::<usize, Fault>();
        for later in 1..20_u32 {
            group.spawn(move |ctx| async move {
                ctx.done().await;
                sleep(HOUR * later).await;
                assert!(later % 2 == 0, "a later panic");
                Err(Fault::new("a later error"))
            });
        }
        group.spawn(move |_| async move {
            sleep(HOUR).await;
            assert!(!panics, "the first");
            Err(Fault::new("the first"))
        });
        let first = if panics {
            panic_of(group).await
        } else {
            group.wait().await.unwrap_err().to_string()
        };
        assert_eq!(first, "the first");
    }
}

#[tokio::test(start_paused = true)]
async fn g1_wait_returns_after_every_task_has_ended() {
    for panics in [false, true] {
        let census = Census::default();
        let cleaned = Count::default();
        let mut group = ROOT.group::<usize, Fault>();
        for n in 1..5 {
            let (alive, cleaned) = (census.alive(), cleaned.clone());
            group.spawn(move |ctx| async move {
                let _alive = alive;
                let _ = ctx.run_until_cancelled(pending::<()>()).await;
                sleep(HOUR * n).await;
                cleaned.up();
                Err(Fault::new("too late to count"))
            });
        }
        group.spawn(move |_| async move {
            sleep(HOUR).await;
            assert!(!panics, "now");
            Err(Fault::new("now"))
        });
        let started = ctx::Instant::now();
        let outcome = tokio::spawn(group.wait()).await;
        assert_eq!(outcome.is_err(), panics);
        assert_eq!(started.elapsed(), HOUR * 5);
        assert_eq!((census.count(), cleaned.get()), (0, 4));
    }
}

#[tokio::test(start_paused = true)]
async fn g1_results_come_in_the_order_of_spawning() {
    for limit in [1, 3, 100] {
        let mut group = ROOT.group::<u32, Fault>().limit(limit);
        for n in 0..20 {
            group.spawn(move |_| async move {
                sleep(HOUR / (n + 1)).await;
                Ok(n)
            });
        }
        group.spawn_blocking(|_| Ok(20));
        assert_eq!(group.wait().await.unwrap(), (0..21).collect::<Vec<_>>());
    }
    assert_eq!(ROOT.group::<u32, Fault>().wait().await.unwrap(), []);
}

/// A value whose drop panics.
struct Grenade(&'static str);

impl Drop for Grenade {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic_any(self.0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn g1_a_panic_anywhere_in_a_task_is_the_task_s() {
    let mut in_closure = ROOT.group();
    in_closure.spawn(|_| {
        assert!(pending_is_not_ready(), "in the closure");
        async { Ok(0) }
    });
    assert_eq!(panic_of(in_closure).await, "in the closure");

    // The future that `poll_fn` makes drops what it holds only when it is dropped itself.
    for fails in [false, true] {
        let mut in_drop = ROOT.group();
        let held = Grenade("in the drop");
        in_drop.spawn(move |_| {
            let mut result = Some(if fails {
                Err(Fault::new("lost"))
            } else {
                Ok(0)
            });
            std::future::poll_fn(move |_| {
                let _ = &held;
                std::task::Poll::Ready(result.take().unwrap())
            })
        });
        assert_eq!(panic_of(in_drop).await, "in the drop");
    }
}

fn pending_is_not_ready() -> bool {
    crate::support::Polled::new(pending::<()>())
        .poll()
        .is_ready()
}

#[tokio::test(start_paused = true)]
async fn g1_drops_that_panic_hide_no_failure_and_harm_no_other_task() {
    let census = Census::default();
    let mut group = ROOT.group::<Grenade, Fault>().limit(2);
    group.spawn(|_| async { Ok(Grenade("a result nobody takes")) });
    group.spawn(|_| async {
        sleep(HOUR).await;
        Err(Fault::new("the first"))
    });
    let busy = census.alive();
    group.spawn(move |ctx| async move {
        let _busy = busy;
        Err(Fault::Stopped(ctx.done().await))
    });
    for _ in 0..3 {
        let (queued, alive) = (Grenade("a closure in the queue"), census.alive());
        group.spawn(move |_| async move {
            let _held = alive;
            Ok(queued)
        });
    }
    assert_eq!(group.wait().await.err().unwrap().to_string(), "the first");
    assert_eq!(census.count(), 0);
}

struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("not even its name")
    }
}

impl From<Cancelled> for Unspeakable {
    fn from(_: Cancelled) -> Self {
        Self
    }
}

#[tokio::test(start_paused = true)]
async fn g1_an_error_whose_display_panics_is_returned_all_the_same() {
    let mut group = ROOT.group::<(), Unspeakable>();
    let (tell, told) = oneshot::channel();
    group.spawn(move |ctx: Context| async move {
        let _ = tell.send(ctx.done().await);
        Ok(())
    });
    group.spawn(|_| async { Err(Unspeakable) });
    assert!(group.wait().await.is_err());
    let cancelled = told.await.unwrap();
    let cause = cancelled.cause_as::<TaskFailed>().unwrap();
    assert_eq!(cause.message, "an error whose Display panics");
}

/// It is made from every error, has a `Display` and is none itself: the shape of `anyhow::Error`.
#[derive(Debug)]
struct Anything(BoxError);

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Anything {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for Anything {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[tokio::test(start_paused = true)]
async fn g1_errors_that_are_no_std_errors_fit() {
    async fn work(ctx: &Context) -> Result<Vec<u8>, Anything> {
        let mut group = ctx.group::<u8, Anything>();
        group.spawn(|_| async { Ok("300".parse()?) });
        group.wait().await
    }
    let error = work(&ROOT).await.unwrap_err();
    assert!(error.0.is::<std::num::ParseIntError>());
    let mut boxed = ROOT.group::<u8, BoxError>();
    boxed.spawn(|_| async { Err("text".into()) });
    assert_eq!(boxed.wait().await.unwrap_err().to_string(), "text");
}

#[test]
fn every_public_type_of_a_group_is_what_the_contract_says() {
    fn shared<T: Send + Sync + UnwindSafe + RefUnwindSafe + fmt::Debug>(_: &T) {}
    // A result that is neither `Sync` nor safe to see after a panic changes nothing.
    let group = ROOT.group::<std::cell::Cell<u8>, Fault>();
    shared(&group);
    assert!(format!("{group:?}").contains("Background.with_cancel"));
    let wait = group.wait();
    shared(&wait);
    assert!(format!("{wait:?}").contains("without_cancel"), "{wait:?}");
    let (index, message) = (1, String::new());
    shared(&TaskFailed {
        index,
        message: message.clone(),
    });
    shared(&TaskPanicked { index, message });
}
