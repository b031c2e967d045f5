//! Starting together and stopping gracefully.

use super::{
    app::{AppError, Remote},
    driver::{Guard, Run, survives},
};
use ctx::with_context;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Barrier, Notify, broadcast, mpsc, watch},
    time::{interval, sleep, timeout},
};

const STEP: Duration = Duration::from_millis(5);

/// Works until it is told to stop, and then ends its step.
#[with_context(owned)]
async fn serve_part(
    mut stop: broadcast::Receiver<()>,
    steps: Arc<AtomicUsize>,
    _alive: mpsc::Sender<()>,
    _task: Guard,
) -> Result<(), AppError> {
    let mut ticks = interval(STEP);
    loop {
        tokio::select! {
            _ = stop.recv() => return Ok(()),
            _ = ticks.tick() => {
                #[shield]
                sleep(STEP / 5).await;
                steps.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Starts the parts, runs for a time, tells them to stop, and waits until the last has left.
#[with_context]
async fn run_service(
    open_for: Duration,
    steps: &Arc<AtomicUsize>,
    guards: Vec<Guard>,
) -> Result<(), AppError> {
    let (stop, _) = broadcast::channel(1);
    let (alive, mut left) = mpsc::channel(1);
    for guard in guards {
        let part = serve_part(
            ctx.clone(),
            stop.subscribe(),
            Arc::clone(steps),
            alive.clone(),
            guard,
        );
        tokio::spawn(part);
    }
    drop(alive);
    // A checkpoint here would leave on an ended context, and the parts would be on their own.
    #[checkpoints(none)]
    let waited = wait(ctx, open_for).await;
    drop(stop);
    #[shield]
    let _ = left.recv().await;
    waited
}

#[with_context]
async fn wait(time: Duration) -> Result<(), AppError> {
    sleep(time).await;
    Ok(())
}

#[test]
fn a_service_waits_for_its_parts() {
    survives((), async |run: Run| {
        let steps = Arc::default();
        let guards = (0..3).map(|_| run.live.guard()).collect();
        let result = run_service(&run.ctx, STEP * 5, &steps, guards).await;
        assert!(run.live.is_idle(), "every part has left");
        assert!(result.is_err() || steps.load(Ordering::Relaxed) >= 12);
        result
    });
}

/// A flag and the wake-up for it.
#[derive(Default)]
struct Ready {
    flag: AtomicBool,
    changed: Notify,
}

/// Waits for the flag. Who asks for the wake-up before looking misses none.
#[with_context]
async fn wait_ready(ready: &Ready) -> Result<(), AppError> {
    loop {
        let changed = ready.changed.notified();
        if ready.flag.load(Ordering::Acquire) {
            return Ok(());
        }
        changed.await;
    }
}

#[test]
fn a_flag_is_waited_for() {
    survives((), async |run: Run| {
        let ready = Arc::new(Ready::default());
        let other = Arc::clone(&ready);
        tokio::spawn(async move {
            for turn in 0..4 {
                sleep(STEP).await;
                other.flag.store(turn == 3, Ordering::Release);
                other.changed.notify_waiters();
            }
        });
        wait_ready(&run.ctx, &ready).await
    });
}

/// Says goodbye to each client, within a time for all of them and a time for each.
#[with_context(timeout = Duration::from_millis(500))]
async fn drain(clients: &[Remote]) -> Result<Vec<Option<u32>>, AppError> {
    let mut goodbyes = Vec::new();
    for client in clients {
        match timeout(STEP * 2, client.call(1)).await {
            Ok(goodbye) => goodbyes.push(Some(goodbye)),
            Err(_) => goodbyes.push(None),
        }
    }
    Ok(goodbyes)
}

#[test]
fn slow_clients_are_left_behind() {
    survives(vec![Some(10), None, Some(10)], async |run: Run| {
        let clients = [3, 700, 9].map(|millis| Remote::new(&run.live, millis));
        drain(&run.ctx, &clients).await
    });
}

/// Restarts its work with every new version of the settings, until their owner is gone.
#[with_context]
async fn reload(mut settings: watch::Receiver<u32>, remote: &Remote) -> Result<Vec<u32>, AppError> {
    let mut answers = Vec::new();
    loop {
        let version = *settings.borrow_and_update();
        tokio::select! {
            biased;
            changed = settings.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return Ok(answers),
            },
            answer = remote.call(version) => answers.push(answer),
        }
        if settings.changed().await.is_err() {
            return Ok(answers);
        }
    }
}

#[test]
fn new_settings_restart_the_work() {
    survives(vec![10, 30], async |run: Run| {
        let (owner, settings) = watch::channel(1);
        tokio::spawn(async move {
            for (version, pause) in [(2, 6), (3, 2), (4, 6)] {
                sleep(Duration::from_millis(pause)).await;
                owner.send_replace(version);
            }
            sleep(Duration::from_millis(1)).await;
        });
        reload(&run.ctx, settings, &Remote::new(&run.live, 4)).await
    });
}

/// Parts that begin together. One that is cancelled would leave the others at the barrier, so all of them
/// are one scope.
#[with_context]
async fn together(remote: &Remote) -> Result<u32, AppError> {
    let barrier = Barrier::new(3);
    let part = |number: u32| {
        let barrier = &barrier;
        async move {
            sleep(STEP * number).await;
            barrier.wait().await;
            remote.call(number).await
        }
    };
    let (one, two, three) = tokio::join!(part(1), part(2), part(3));
    Ok(one + two + three)
}

#[test]
fn parts_begin_together() {
    survives(60, async |run: Run| {
        together(&run.ctx, &Remote::new(&run.live, 2)).await
    });
}
