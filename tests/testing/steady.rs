//! Rule X3: time is paused and moves by itself, and a sweep is the same each time; and what it costs.

use crate::helpers::{HOUR, SECOND, halves, outputs, panic_of, places};
use ctx::{Cancelled, Context, Instant, testing::cancel_at_every_checkpoint, with_context};
use std::{
    cell::Cell,
    future::{Future, pending, poll_fn},
    pin::{Pin, pin},
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    task::Poll,
    thread,
};
use tokio::{
    sync::mpsc,
    task::yield_now,
    time::{sleep, timeout},
};

#[test]
fn x3_waiting_costs_no_time_however_long_it_is() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let begin = Instant::now();
        let a_month = 30 * 24 * HOUR;
        let slept = ctx.run_until_cancelled(sleep(a_month)).await;
        // Nor does cleaning up, within an hour.
        sleep(HOUR / 2).await;
        (slept.is_ok(), begin.elapsed())
    });
    let half = HOUR / 2;
    assert_eq!(
        outputs(&sweep),
        [(true, 30 * 24 * HOUR + half), (false, half), (false, half)]
    );
}

#[test]
fn x3_deadlines_pass_by_the_same_clock() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let ctx = ctx.with_timeout(HOUR);
        let ended = ctx.run_until_cancelled(pending::<()>()).await.unwrap_err();
        ended.is_deadline_exceeded()
    });
    assert_eq!(outputs(&sweep), [true, false, false]);
}

/// Tasks, timers and a channel, which meet in the same order in each run.
#[test]
fn x3_a_sweep_is_the_same_each_time() {
    #[with_context]
    async fn work(log: &mut Vec<u64>) -> Result<(), Cancelled> {
        let (send, mut receive) = mpsc::channel(2);
        for n in 0..4 {
            let (ctx, send) = (ctx.clone(), send.clone());
            tokio::spawn(async move {
                for step in 0..3 {
                    let pause = sleep(SECOND * ((n * 7 + step * 5) % 11));
                    ctx.run_until_cancelled(pause).await?;
                    let number = send.send(u64::from(n * 10 + step));
                    let _ = ctx.run_until_cancelled(number).await?;
                }
                Ok::<_, Cancelled>(())
            });
        }
        drop(send);
        while let Some(n) = timeout(HOUR, receive.recv()).await.ok().flatten() {
            log.push(n);
        }
        Ok(())
    }
    let sweep = || {
        let sweep = cancel_at_every_checkpoint(|ctx| async move {
            let mut log = Vec::new();
            let _ = work(&ctx, &mut log).await;
            log
        });
        let outputs = outputs(&sweep);
        (places(&sweep), outputs)
    };
    let first = sweep();
    assert!(first.0.len() > 50, "{}", first.0.len());
    for _ in 0..3 {
        assert_eq!(sweep(), first);
    }
}

/// Each test's sweep listens to its own context alone.
#[test]
fn x3_sweeps_on_many_threads_do_not_disturb_each_other() {
    let sweep = |checkpoints: usize| {
        let sweep = cancel_at_every_checkpoint(|ctx| async move {
            let mut passed = 0;
            while passed < checkpoints && ctx.run_until_cancelled(yield_now()).await.is_ok() {
                passed += 1;
            }
            passed
        });
        assert_eq!(sweep.checkpoints(), checkpoints);
        for (n, run) in sweep.iter().skip(1).enumerate() {
            assert_eq!(*run.output(), n / 2, "{run}");
        }
    };
    thread::scope(|scope| {
        for n in 0..8 {
            scope.spawn(move || sweep(10 + n));
        }
    });
}

#[test]
fn x3_a_body_that_passes_fewer_checkpoints_later_is_told_so() {
    let runs = AtomicUsize::new(0);
    let text = panic_of(|| {
        cancel_at_every_checkpoint(|ctx| {
            let checkpoints = if runs.fetch_add(1, SeqCst) == 0 { 3 } else { 2 };
            async move {
                for _ in 0..checkpoints {
                    let _ = ctx.check();
                }
            }
        })
    });
    assert!(text.contains("steady.rs:"), "{text}");
    assert!(text.contains("(time 3), at its start"), "{text}");
    assert!(text.contains("must do the same in each run"), "{text}");
}

/// A `select!` without `biased` tosses a coin, which no test can hold. Each run gets there in the end.
#[test]
fn x3_a_body_that_tosses_coins_is_swept_where_it_went_the_first_time() {
    #[with_context]
    async fn coin() -> Result<(), Cancelled> {
        tokio::select! {
            () = async {} => {}
            () = yield_now() => {}
        }
        Ok(())
    }
    for _ in 0..20 {
        let sweep = cancel_at_every_checkpoint(|ctx| async move { coin(&ctx).await.is_ok() });
        let expected = ["", ".S", ".SPS"][sweep.checkpoints()];
        assert_eq!(halves(&sweep), expected);
    }
}

/// Whoever is woken from outside the runtime is waited for, though its clock runs away.
#[test]
fn x3_a_body_may_wait_for_another_thread() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let (send, mut receive) = tokio::sync::oneshot::channel();
        let (waits, waited_for) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            // The body waits then, or is over.
            let _ = waited_for.recv();
            // Long enough for the clock of the run to jump more than once.
            (0..20).for_each(|_| thread::yield_now());
            send.send(7)
        });
        let receiving = poll_fn(move |cx| {
            let polled = Pin::new(&mut receive).poll(cx);
            let _ = waits.send(());
            polled
        });
        let received = ctx.run_until_cancelled(receiving).await;
        let _ = thread.join();
        received.ok().map(Result::unwrap)
    });
    assert_eq!(outputs(&sweep), [Some(7), None, None]);
}

/// The body is polled when it was woken, and no more often: a lost wake-up is not covered up.
#[test]
fn x3_the_body_is_polled_only_when_it_was_woken() {
    let polls = Cell::new(0);
    let counted = |ctx: Context| {
        let polls = &polls;
        async move {
            let task = tokio::spawn({
                let ctx = ctx.clone();
                async move {
                    let slept = ctx.run_until_cancelled(sleep(HOUR)).await;
                    // So that the end of the task is not what the cancellation woke the run for.
                    sleep(SECOND).await;
                    slept.is_ok()
                }
            });
            let mut task = pin!(task);
            std::future::poll_fn(|cx| {
                polls.set(polls.get() + 1);
                task.as_mut().poll(cx).map(Result::unwrap)
            })
            .await
        }
    };
    let sweep = cancel_at_every_checkpoint(counted);
    assert_eq!(outputs(&sweep), [true, false, false]);
    assert_eq!(polls.get(), 2 * 3);
}

/// 401 runs of a body with 200 checkpoints. The work is counted, since a clock would tell of the machine.
#[test]
fn x1_two_hundred_checkpoints_are_swept_with_no_more_polls_than_they_take() {
    let polls = Cell::new(0_usize);
    let begin = std::time::Instant::now();
    let sweep = cancel_at_every_checkpoint(|ctx| {
        let polls = &polls;
        async move {
            let mut work = pin!(async {
                for _ in 0..200 {
                    ctx.run_until_cancelled(yield_now()).await?;
                }
                Ok::<_, Cancelled>(())
            });
            std::future::poll_fn(|cx| {
                polls.set(polls.get() + 1);
                match work.as_mut().poll(cx) {
                    Poll::Ready(result) => Poll::Ready(result.is_ok()),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await
        }
    });
    println!("{:?}, {} polls", begin.elapsed(), polls.get());
    assert_eq!((sweep.checkpoints(), sweep.iter().count()), (200, 401));
    assert!(sweep.iter().skip(1).all(|run| !run.output()));
    // One poll for each checkpoint before the one that is cancelled, and that one's own.
    let each = 201 + (1..=200).map(|n| 2 * n).sum::<usize>();
    assert!(polls.get() <= each + 401 * 200 / 100, "{}", polls.get());
}
