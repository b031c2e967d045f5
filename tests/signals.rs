//! G5: `with_shutdown_signal`, by real signals to a real process.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// After this time a process that should have spoken, or ended, hangs.
const HUNG: Duration = Duration::from_secs(30);

const INT: i32 = 2;
const TERM: i32 = 15;

/// The program `hears`, in one of its parts.
struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hears"));
        let mut child = command.args(args).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, told) = channel();
        thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| tell.send(line))
        });
        Self { child, lines: told }
    }

    /// The next line; empty when the process has ended.
    #[track_caller]
    fn line(&mut self) -> String {
        match self.lines.recv_timeout(HUNG) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => String::new(),
            Err(RecvTimeoutError::Timeout) => panic!("it hung for {HUNG:?}"),
        }
    }

    #[track_caller]
    fn says(&mut self, expected: &str) -> &mut Self {
        assert_eq!(self.line(), expected);
        self
    }

    fn send(&mut self, signal: i32) -> &mut Self {
        let kill = format!("kill -{signal} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
        self
    }

    /// How it ended, and that it said no more.
    #[track_caller]
    fn ended(&mut self) -> ExitStatus {
        self.says("");
        self.child.wait().unwrap()
    }

    #[track_caller]
    fn was_killed_by(&mut self, signal: i32) {
        assert_eq!(self.ended().signal(), Some(signal));
    }

    #[track_caller]
    fn ended_well(&mut self) {
        assert_eq!(self.ended().code(), Some(0));
    }
}

/// A failed test leaves no process behind.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn g5_the_first_signal_cancels_and_lets_it_clean_up() {
    for part in ["clean-up", "clean-up-on-one-thread"] {
        for (signal, name) in [(INT, "SIGINT"), (TERM, "SIGTERM")] {
            let mut process = Process::start(&[part]);
            process.says("ready").send(signal);
            process
                .says(&format!("cleaned up: received {name}"))
                .ended_well();
        }
    }
}

/// The runtime is lost in a loop that never yields, so nothing but the handler can do it.
#[test]
fn g5_the_second_signal_kills_although_the_runtime_is_stuck() {
    for first in [INT, TERM] {
        for second in [INT, TERM] {
            let mut process = Process::start(&["stuck"]);
            process.says("ready").send(first).says("stuck");
            process.send(second).was_killed_by(second);
        }
    }
}

/// Nobody but the handler itself knows of the first one. Of two that are pending either may be it.
#[test]
fn g5_the_second_signal_kills_although_the_first_was_never_heard() {
    let mut process = Process::start(&["deaf"]);
    process.says("ready").send(INT).send(TERM);
    assert!([Some(INT), Some(TERM)].contains(&process.ended().signal()));
}

#[test]
fn g5_one_signal_tells_all_scopes_and_the_last_one_left_still_makes_the_next_deadly() {
    let mut process = Process::start(&["crowd"]);
    process.says("ready").send(INT).says("one is left");
    process.send(INT).was_killed_by(INT);
}

/// Many times, since the ears may be faster than the rest of the handler, whose first look must not find
/// that its own signal was told already.
#[test]
fn g5_a_signal_that_is_told_before_its_handler_is_done_does_not_kill() {
    for part in ["crowd", "crowd-after-tokio"].repeat(50) {
        let mut process = Process::start(&[part]);
        process.says("ready").send(INT).says("one is left");
    }
}

#[test]
fn g5_after_the_last_scope_a_signal_kills_as_if_no_handler_were_there() {
    for signal in [INT, TERM] {
        let mut process = Process::start(&["gone"]);
        process.says("ready").send(signal).was_killed_by(signal);
    }
}

#[test]
fn g5_scopes_one_after_the_other_have_a_first_signal_each() {
    let mut process = Process::start(&["one-after-the-other"]);
    for round in 0..3 {
        process.says(&format!("ready {round}")).send(INT);
    }
    process.says("all gone").send(TERM).was_killed_by(TERM);
}

#[test]
fn g5_a_scope_made_during_the_cleanup_of_another_keeps_the_second_signal_deadly() {
    let mut process = Process::start(&["newcomer", "stays"]);
    process.says("ready").send(TERM).says("cleaning up");
    process.send(TERM).was_killed_by(TERM);
}

#[test]
fn g5_a_scope_made_during_the_cleanup_of_another_hears_once_that_is_gone() {
    let mut process = Process::start(&["newcomer"]);
    process.says("ready").send(TERM);
    process.says("cleaning up").says("cleaned up").send(TERM);
    process.says("the second one was told").ended_well();
}

#[test]
fn g5_a_detached_context_hears_while_somebody_holds_it() {
    let mut process = Process::start(&["detached"]);
    process.says("ready").send(INT).says("again");
    process.send(INT).says("cleaning up");
    process.send(INT).was_killed_by(INT);
}

#[test]
fn g5_a_first_signal_to_a_scope_that_ended_otherwise_is_not_deadly() {
    let mut process = Process::start(&["ended-otherwise"]);
    process
        .says("ready")
        .send(TERM)
        .says("heard after: out of work");
    process.send(TERM).was_killed_by(TERM);
}

#[test]
fn g5_any_runtime_that_runs_brings_the_signal() {
    let mut process = Process::start(&["another-runtime"]);
    process.says("ready").send(TERM).says("told").ended_well();
}

#[test]
fn g5_outside_a_runtime_it_is_an_error_and_signals_keep_their_effect() {
    let mut process = Process::start(&["no-runtime"]);
    process.says("with_shutdown_signal listens through a tokio runtime, and there is none here");
    process.says("ready").send(TERM).was_killed_by(TERM);
}

#[test]
#[should_panic(expected = "enable_io")]
fn g5_without_a_driver_it_panics_as_tokio_does() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async { drop(ctx::Context::background().with_shutdown_signal()) });
}
