//! A program for the tests of `signals` to send signals to. Its argument says which part it plays; each
//! line that it prints tells the test that it has got so far.

use ctx::{CancelScope, Context, ShutdownSignal};
use std::{
    future::pending,
    io::{self, Write},
    process::ExitCode,
    thread,
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};

fn main() -> ExitCode {
    let part = std::env::args().nth(1).unwrap_or_default();
    let single = || {
        Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    };
    let multi = || Runtime::new().expect("a runtime");
    match part.as_str() {
        "clean-up" => multi().block_on(clean_up()),
        "clean-up-on-one-thread" => single().block_on(clean_up()),
        "deaf" => single().block_on(async { deaf() }),
        "stuck" => single().block_on(stuck()),
        "crowd" => multi().block_on(crowd()),
        #[cfg(unix)]
        "crowd-after-tokio" => multi().block_on(crowd_after_tokio()),
        "gone" => multi().block_on(gone()),
        "one-after-the-other" => single().block_on(one_after_the_other()),
        "newcomer" => single().block_on(newcomer()),
        "detached" => single().block_on(detached()),
        "ended-otherwise" => single().block_on(ended_otherwise()),
        "another-runtime" => another_runtime(&single),
        "no-runtime" => no_runtime(),
        _ => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}

fn say(line: &str) {
    println!("{line}");
    io::stdout().flush().expect("somebody reads this");
}

fn hear() -> CancelScope {
    Context::background()
        .with_shutdown_signal()
        .expect("a runtime with a driver")
}

/// Waits for the signal, cleans up within a budget, and ends.
async fn clean_up() {
    let root = Context::background();
    let line = line!() + 1;
    let scope = root.with_shutdown_signal().expect("a runtime");
    let work = scope.with_cancel();
    say("ready");
    let cancelled = work
        .run_until_cancelled(pending::<()>())
        .await
        .expect_err("a signal");
    assert_eq!(
        (
            cancelled.cancelled_at().file(),
            cancelled.cancelled_at().line()
        ),
        (file!(), line)
    );
    let signal = cancelled.cause_as::<ShutdownSignal>().expect("a signal");
    let cleanup = work.without_cancel().with_timeout(Duration::from_mins(1));
    cleanup
        .run_until_cancelled(tokio::task::yield_now())
        .await
        .expect("within the budget");
    say(&format!("cleaned up: {signal}"));
}

/// The runtime is lost before it could bring the first signal.
fn deaf() {
    let _scope = hear();
    say("ready");
    loop {
        thread::park();
    }
}

/// The runtime is lost in the cleanup.
async fn stuck() {
    let scope = hear();
    say("ready");
    scope.done().await;
    say("stuck");
    loop {
        thread::park();
    }
}

/// One signal tells everybody; who is left of them makes the next one deadly.
async fn crowd() {
    let scopes: Vec<_> = (0..100).map(|_| hear()).collect();
    say("ready");
    for scope in &scopes {
        scope.done().await;
    }
    drop(scopes.into_iter().skip(1).collect::<Vec<_>>());
    say("one is left");
    pending::<()>().await;
}

/// Somebody else listened first, so tokio's part of the handler comes before ours.
#[cfg(unix)]
async fn crowd_after_tokio() {
    use tokio::signal::unix::{SignalKind, signal};
    drop(signal(SignalKind::interrupt()));
    crowd().await;
}

async fn gone() {
    let scope = hear();
    let ctx = scope.clone();
    drop(scope);
    assert!(ctx.is_cancelled());
    say("ready");
    pending::<()>().await;
}

/// Each of them has a first signal of its own.
async fn one_after_the_other() {
    for round in 0..3 {
        let scope = hear();
        say(&format!("ready {round}"));
        scope.done().await;
    }
    say("all gone");
    pending::<()>().await;
}

/// A scope that is made while another one cleans up does not make the second signal a first one, and
/// when the other has gone it hears its own.
async fn newcomer() {
    let first = hear();
    say("ready");
    first.done().await;
    let second = hear();
    say("cleaning up");
    if std::env::args().nth(2).is_some() {
        pending::<()>().await;
    }
    drop(first);
    say("cleaned up");
    second.done().await;
    say("the second one was told");
}

async fn detached() {
    let ctx = hear().detach();
    say("ready");
    ctx.done().await;
    drop(ctx);
    let ctx = hear().detach();
    say("again");
    ctx.done().await;
    say("cleaning up");
    pending::<()>().await;
}

/// The first signal finds the scope ended; it is no second one for that.
async fn ended_otherwise() {
    let scope = hear();
    scope.cancel_with("out of work");
    // A second one, to know when the signal was heard.
    let other = hear();
    say("ready");
    other.done().await;
    let cancelled = scope.err().expect("it was cancelled");
    say(&format!(
        "heard after: {}",
        cancelled.cause().expect("a cause")
    ));
    pending::<()>().await;
}

/// The runtime in which a scope was made has gone; the next one's driver brings the signal.
fn another_runtime(make: &dyn Fn() -> Runtime) {
    let scope = make().block_on(async { hear() });
    make().block_on(async {
        say("ready");
        scope.done().await;
        say("told");
    });
}

fn no_runtime() {
    let error = Context::background()
        .with_shutdown_signal()
        .expect_err("no runtime");
    say(&error.to_string());
    say("ready");
    loop {
        thread::park();
    }
}
