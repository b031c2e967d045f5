//! The example `workers` as a user has it: a process with arguments, output, an exit code and signals.
#![cfg(all(unix, feature = "signal"))]

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Read},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Once,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

/// After this time a process that should have spoken, or ended, hangs.
const HUNG: Duration = Duration::from_secs(30);

const INT: i32 = 2;
const TERM: i32 = 15;

#[test]
fn it_ends_by_itself_after_its_requests() {
    for (requests, workers) in [(0, 4), (1, 4), (20, 1), (20, 3), (20, 64)] {
        let mut pool = Pool::start(&format!(
            "--requests {requests} --workers {workers} --work 1ms"
        ));
        let end = pool.end();
        assert_eq!((end.status.code(), end.errors.as_str()), (Some(0), ""));
        assert_eq!(end.counts(), [requests, requests, 0, 0, 0]);
    }
}

#[test]
fn a_request_that_fails_ends_the_others() {
    let end = Pool::start("--fail-at 3 --workers 1 --queue 2 --work 1ms").end();
    assert_eq!(
        (end.status.code(), end.errors.as_str()),
        (Some(1), "workers: request 3 failed\n")
    );
    let [accepted, finished, drained, failed, dropped] = end.counts();
    assert_eq!((finished, drained, failed), (2, 0, 1));
    assert_eq!(accepted, finished + failed + dropped);

    // The others would take an hour.
    let end = Pool::start("--fail-at 3 --workers 3 --work 1h").end();
    assert_eq!(
        (end.status.code(), end.errors.as_str()),
        (Some(1), "workers: request 3 failed\n")
    );
    let [accepted, finished, drained, failed, dropped] = end.counts();
    assert_eq!((finished, drained, failed), (0, 0, 1));
    assert_eq!(accepted, 1 + dropped);
}

#[test]
fn the_last_request_may_fail() {
    let end = Pool::start("--requests 5 --fail-at 5 --workers 1 --work 1ms").end();
    assert_eq!(
        (end.status.code(), end.counts()),
        (Some(1), [5, 4, 0, 1, 0])
    );
    let end = Pool::start("--requests 5 --fail-at 6 --work 1ms").end();
    assert_eq!(
        (end.status.code(), end.counts()),
        (Some(0), [5, 5, 0, 0, 0])
    );
}

/// The queue is full when the signal comes, so there is something to drain.
#[test]
fn the_first_signal_drains_what_was_accepted() {
    for (signal, name) in [(INT, "SIGINT"), (TERM, "SIGTERM")] {
        let mut pool = Pool::start("--workers 2 --queue 16 --work 20ms --drain 1h");
        pool.reads("finished: ").send(signal);
        pool.reads(&format!("draining for at most 1h: received {name}"));
        let end = pool.end();
        assert_eq!((end.status.code(), end.errors.as_str()), (Some(0), ""));
        let [accepted, finished, drained, failed, dropped] = end.counts();
        assert!(finished >= 1 && drained >= 16, "{:?}", end.counts());
        assert_eq!((accepted, failed, dropped), (finished + drained, 0, 0));
    }
}

#[test]
fn a_drain_that_takes_too_long_drops_the_rest() {
    let mut pool = Pool::start("--workers 2 --queue 4 --work 1h --drain 10ms");
    pool.reads("started: ")
        .send(INT)
        .reads("draining for at most 10ms");
    let end = pool.end();
    assert_eq!(end.status.code(), Some(1));
    assert!(
        end.errors
            .ends_with("  cause:    the drain took longer than 10ms\n"),
        "{}",
        end.errors
    );
    let [accepted, finished, drained, failed, dropped] = end.counts();
    assert_eq!((finished, drained, failed, dropped), (0, 0, 0, accepted));
    assert!((1..=2 + 4).contains(&accepted));
}

#[test]
fn the_second_signal_ends_it_at_once() {
    for (first, second) in [(INT, INT), (INT, TERM), (TERM, TERM)] {
        let mut pool = Pool::start("--work 1h --drain 1h");
        pool.reads("started: ")
            .send(first)
            .reads("draining for at most 1h")
            .send(second);
        assert_eq!(pool.end().status.signal(), Some(second));
    }
}

#[test]
fn arguments_that_make_no_sense_exit_with_2() {
    for wrong in [
        "--workers 0",
        "--workers 100000",
        "--queue 0",
        "--fail-at 0",
        "--requests -1",
        "--work 2",
        "--drain 99999999999999999999y",
        "--frobnicate",
        "argument",
    ] {
        let end = Pool::start(wrong).end();
        assert_eq!(
            (end.status.code(), end.lines.len()),
            (Some(2), 0),
            "{wrong}"
        );
        assert!(end.errors.starts_with("error: "), "{wrong}: {}", end.errors);
    }
}

/// A running example.
struct Pool {
    child: Child,
    lines: Receiver<String>,
}

struct End {
    status: ExitStatus,
    lines: Vec<String>,
    errors: String,
}

impl Pool {
    fn start(args: &str) -> Self {
        let mut command = Command::new(program());
        command
            .args(args.split(' '))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, told) = channel();
        thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| tell.send(line))
        });
        Self { child, lines: told }
    }

    fn line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(HUNG) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("it hung for {HUNG:?}"),
        }
    }

    /// Reads on to a line that starts so.
    #[track_caller]
    fn reads(&mut self, start: &str) -> &mut Self {
        while !self.line().expect("it has ended").starts_with(start) {}
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

    fn end(&mut self) -> End {
        let mut lines = Vec::new();
        while let Some(line) = self.line() {
            lines.push(line);
        }
        let mut errors = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut errors)
            .unwrap();
        End {
            status: self.child.wait().unwrap(),
            lines,
            errors,
        }
    }
}

/// A failed test leaves no process behind.
impl Drop for Pool {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl End {
    /// The table: accepted, finished, drained, failed and dropped.
    #[track_caller]
    fn counts(&self) -> [usize; 5] {
        let rows = self.lines.iter().filter_map(|line| line.split_once(' '));
        let rows: BTreeMap<_, _> = rows.map(|(name, count)| (name, count.trim())).collect();
        ["accepted", "finished", "drained", "failed", "dropped"]
            .map(|name| rows[name].parse().unwrap())
    }
}

/// Examples are built into a folder beside that of the tests. `cargo test` builds them first, except when
/// it is told to build one test alone; then they are built from here.
fn program() -> PathBuf {
    static BUILT: Once = Once::new();
    let test = env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let program = profile.join("examples/workers");
    BUILT.call_once(|| {
        if !program.exists() {
            let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            build.args(["build", "--package", "ctx-examples", "--example", "workers"]);
            build
                .args(["--features", "signal", "--target-dir"])
                .arg(profile.parent().unwrap());
            if profile.ends_with("release") {
                build.arg("--release");
            }
            assert!(build.status().unwrap().success());
        }
    });
    program
}
