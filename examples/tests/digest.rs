//! The example `digest` as a user has it: a process with arguments, output, an exit code and signals.
#![cfg(unix)]

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    os::unix::{ffi::OsStrExt, fs::symlink, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::{Once, mpsc},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// What is promised is 100 ms; the rest is for a machine that has other things to do.
const BOUND: Duration = Duration::from_secs(1);

/// After this time a process that should have ended has hung.
const HUNG: Duration = Duration::from_secs(30);

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn known_digests_are_printed_in_the_order_of_whole_paths() {
    let dir = tree(&["a.txt", "a/b", "a/c/d", "a0", "empty"]);
    fs::write(dir.path().join("empty"), "").unwrap();
    let expected =
        format!("{ABC}  ./a.txt\n{ABC}  ./a/b\n{ABC}  ./a/c/d\n{ABC}  ./a0\n{EMPTY}  ./empty\n");
    for jobs in ["1", "2", "16"] {
        let output = digest(&dir).args(["--jobs", jobs]).output().unwrap();
        assert_eq!(text(&output.stdout), expected, "with {jobs} jobs");
        assert_eq!(
            (output.status.code(), text(&output.stderr)),
            (Some(0), String::new())
        );
    }
}

#[test]
fn arguments_keep_their_order() {
    let dir = tree(&["a/x", "b", "c/y"]);
    let output = digest(&dir).args(["c/", "b", "a", "b"]).output().unwrap();
    let expected = format!("{ABC}  c/y\n{ABC}  b\n{ABC}  a/x\n{ABC}  b\n");
    assert_eq!(text(&output.stdout), expected);
}

#[test]
fn names_that_would_break_a_line_are_escaped() {
    let dir = tree(&["a\nb", "c\\d", "e\rf", "g\th"]);
    let output = digest(&dir).output().unwrap();
    let expected =
        format!("\\{ABC}  ./a\\nb\n\\{ABC}  ./c\\\\d\n\\{ABC}  ./e\\rf\n{ABC}  ./g\th\n");
    assert_eq!(text(&output.stdout), expected);
}

#[test]
fn the_output_is_that_of_sha256sum() {
    // In byte order of the whole paths. No carriage return: older versions print it as it is.
    let names: [&[u8]; 9] = [
        b" space ",
        b"*star",
        b"-dash",
        b"back\\slash",
        b"dir.d",
        b"dir/in/deep",
        b"dir/new\nline",
        b"not utf-8 \xff\xfe",
        b"z",
    ];
    let dir = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (size, name) in [0, 1, 63, 64, 65, 65_535, 65_536, 65_537, 1_000_003]
        .into_iter()
        .zip(names)
    {
        let path = dir.path().join(OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let content: Vec<u8> = (0..size)
            .map(|at: u32| at.to_le_bytes()[at as usize % 3])
            .collect();
        fs::write(&path, content).unwrap();
        paths.push(path);
    }
    let expected = match Command::new("sha256sum").arg("--").args(&paths).output() {
        Ok(output) => output,
        Err(error) => return println!("skipped, as there is no sha256sum: {error}"),
    };
    let walked = digest(&dir).arg(dir.path()).output().unwrap();
    let listed = digest(&dir).arg("--").args(&paths).output().unwrap();
    assert_eq!(
        walked.stdout.escape_ascii().to_string(),
        expected.stdout.escape_ascii().to_string()
    );
    assert_eq!(
        listed.stdout.escape_ascii().to_string(),
        expected.stdout.escape_ascii().to_string()
    );
}

#[test]
fn links_and_pipes_are_read_where_they_are_named_and_passed_over_where_they_are_found() {
    let dir = tree(&["sub/file"]);
    symlink("sub/file", dir.path().join("link")).unwrap();
    symlink("..", dir.path().join("sub/up")).unwrap();
    fifo(&dir.path().join("sub/fifo"));
    let found = digest(&dir).output().unwrap();
    assert_eq!(text(&found.stdout), format!("{ABC}  ./sub/file\n"));
    let named = digest(&dir).args(["link", "sub/up/link"]).output().unwrap();
    assert_eq!(
        text(&named.stdout),
        format!("{ABC}  link\n{ABC}  sub/up/link\n")
    );
    let piped = digest(&dir)
        .arg("-")
        .stdin(File::open(dir.path().join("link")).unwrap())
        .output();
    assert_eq!(text(&piped.unwrap().stdout), format!("{ABC}  -\n"));
}

#[test]
fn arguments_that_make_no_sense_exit_with_2() {
    let dir = tree(&[]);
    let wrong: [&[&str]; 6] = [
        &["--timeout", "2"],
        &["--timeout", "99999999999999999999y"],
        &["--jobs", "0"],
        &["--jobs", "18446744073709551616"],
        &["--jobs=-1"],
        &["--frobnicate"],
    ];
    for args in wrong {
        let output = digest(&dir).args(args).output().unwrap();
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(2), 0),
            "{args:?}"
        );
        assert!(
            text(&output.stderr).starts_with("error: "),
            "{args:?}: {output:?}"
        );
    }
    let help = digest(&dir).arg("--help").output().unwrap();
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("--timeout <TIME>"));
}

#[test]
fn what_cannot_be_read_is_one_line_and_exit_1() {
    let dir = tree(&["a", "b"]);
    let mut expected = vec![
        "digest: no\\nwhere: No such file or directory (os error 2)",
        "digest: a/b: Not a directory (os error 20)",
    ];
    let mut command = digest(&dir);
    command.args(["a", "no\nwhere", "a/b"]);
    // Opens, but does not read: the way to be unreadable for root, too.
    if Path::new("/proc/self/mem").exists() {
        command.arg("/proc/self/mem");
        expected.push("digest: /proc/self/mem: Input/output error (os error 5)");
    }
    let output = command.arg("b").output().unwrap();
    assert_eq!(text(&output.stderr).lines().collect::<Vec<_>>(), expected);
    assert_eq!(text(&output.stdout), format!("{ABC}  a\n{ABC}  b\n"));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_directory_that_vanishes_is_one_line_and_exit_1() {
    // Nobody reads the output, so the walk gets stuck in the middle: `z` was seen, but not yet looked into.
    let dir = crowd();
    fs::create_dir(dir.path().join("z")).unwrap();
    fs::write(dir.path().join("zz"), "abc").unwrap();
    let mut child = start(digest(&dir).arg("."));
    let mut lines = first_line(&mut child);
    fs::remove_dir(dir.path().join("z")).unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    let (output, _) = end(child);
    assert_eq!(
        text(&output.stderr),
        "digest: ./z/: No such file or directory (os error 2)\n"
    );
    assert_eq!(rest.lines().last(), Some(format!("{ABC}  ./zz").as_str()));
    assert_eq!(
        (rest.lines().count(), output.status.code()),
        (CROWD, Some(1))
    );
}

#[test]
fn ctrl_c_stops_a_read_that_hangs() {
    let dir = tree(&["a", "b"]);
    fifo(&dir.path().join("fifo"));
    let mut child = start(digest(&dir).args(["--jobs", "1", "a", "fifo", "b"]));
    let _lines = first_line(&mut child);
    let (output, took) = interrupt(child);
    assert_stopped(&output, 130, "interrupted (Ctrl-C)", took);
    let told = text(&output.stderr);
    assert!(told.starts_with("digest: stopped, 1 of "), "{told}");
    assert!(
        told.contains("\n  by:       examples/digest/main.rs:"),
        "{told}"
    );
    assert!(told.contains("\n  noticed:  examples/digest/"), "{told}");
}

#[test]
fn ctrl_c_stops_a_file_without_end() {
    let dir = tree(&["a", "b"]);
    sparse(&dir.path().join("endless"));
    let mut child = start(digest(&dir).args(["a", "endless"]));
    let _lines = first_line(&mut child);
    let (output, took) = interrupt(child);
    assert_stopped(&output, 130, "interrupted (Ctrl-C)", took);
}

#[test]
fn ctrl_c_stops_output_that_nobody_reads() {
    let dir = crowd();
    let mut child = start(&mut digest(&dir));
    let _lines = first_line(&mut child);
    let (output, took) = interrupt(child);
    assert_stopped(&output, 130, "interrupted (Ctrl-C)", took);
}

#[test]
fn what_was_hashed_before_the_end_is_printed() {
    let dir = tree(&["b"]);
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    fifo(&first);
    fifo(&second);
    let child = start(digest(&dir).args(["--jobs", "2", "first", "b", "second"]));
    // One thread hangs in `first`. When the other has opened `second`, it is done with `b`.
    let _writer = File::options().write(true).open(second).unwrap();
    let (output, took) = interrupt(child);
    assert_stopped(&output, 130, "interrupted (Ctrl-C)", took);
    assert_eq!(text(&output.stdout), format!("{ABC}  b\n"));
}

#[test]
fn a_timeout_stops_as_ctrl_c_does() {
    let dir = tree(&["a"]);
    sparse(&dir.path().join("endless"));
    let started = Instant::now();
    let child = start(digest(&dir).args(["--timeout", "200ms", "a", "endless"]));
    let (output, _) = end(child);
    let late = started.elapsed().checked_sub(Duration::from_millis(200));
    assert_stopped(
        &output,
        124,
        "--timeout 200ms",
        late.expect("it is not too early"),
    );
    let told = text(&output.stderr);
    assert!(
        told.contains("\ncontext deadline exceeded\n  deadline: 200ms, set at "),
        "{told}"
    );
}

#[test]
fn no_time_at_all_starts_nothing() {
    let dir = tree(&["a"]);
    let output = digest(&dir).args(["--timeout", "0s"]).output().unwrap();
    assert_eq!(
        (text(&output.stdout), output.status.code()),
        (String::new(), Some(124))
    );
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let dir = crowd();
    let mut child = start(&mut digest(&dir));
    drop(first_line(&mut child));
    let (output, _) = end(child);
    assert_eq!(
        (text(&output.stderr), output.status.code()),
        (String::new(), Some(141))
    );
}

/// A directory with these files, each with the three bytes `abc` in it.
fn tree(files: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "abc").unwrap();
    }
    dir
}

/// More files than all the buffers between the walk and a reader of stdout can hold.
const CROWD: usize = 5000;

fn crowd() -> TempDir {
    let dir = tree(&["a"]);
    let crowd = dir.path().join("crowd");
    fs::create_dir(&crowd).unwrap();
    for at in 1..CROWD {
        fs::write(crowd.join(format!("one-of-many-{at:05}")), "").unwrap();
    }
    dir
}

fn fifo(path: &Path) {
    let status = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(status.success());
}

/// A file that takes hours to read and no space.
fn sparse(path: &Path) {
    File::create(path).unwrap().set_len(1 << 42).unwrap();
}

/// The program, to be run in a directory.
fn digest(dir: &TempDir) -> Command {
    let mut command = Command::new(program());
    command.current_dir(dir.path()).stdin(Stdio::null());
    command
}

/// Examples are built into a folder beside that of the tests. `cargo test` builds them first, except when
/// it is told to build one test alone; then they are built from here.
fn program() -> PathBuf {
    static BUILT: Once = Once::new();
    let test = env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let program = profile.join("examples/digest");
    BUILT.call_once(|| {
        if !program.exists() {
            let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            build.args(["build", "--package", "ctx-examples", "--example", "digest"]);
            build.arg("--target-dir").arg(profile.parent().unwrap());
            if profile.ends_with("release") {
                build.arg("--release");
            }
            assert!(build.status().unwrap().success());
        }
    });
    program
}

fn start(command: &mut Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the program is at work, and gives back the rest of its output.
fn first_line(child: &mut Child) -> BufReader<ChildStdout> {
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(line.starts_with(ABC), "{line}");
    lines
}

/// Sends SIGINT, as a terminal does for Ctrl-C.
fn interrupt(child: Child) -> (Output, Duration) {
    let kill = format!("kill -INT {}", child.id());
    let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(status.success());
    end(child)
}

/// Waits for the end of the process, and says how long that took.
fn end(child: Child) -> (Output, Duration) {
    let started = Instant::now();
    let id = child.id();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(child.wait_with_output()));
    let Ok(output) = told.recv_timeout(HUNG) else {
        let _ = Command::new("sh")
            .args(["-c", &format!("kill -KILL {id}")])
            .status();
        panic!("it hung for {HUNG:?}");
    };
    (output.unwrap(), started.elapsed())
}

#[track_caller]
fn assert_stopped(output: &Output, code: i32, cause: &str, took: Duration) {
    println!("stopped after {took:?}");
    let told = text(&output.stderr);
    assert_eq!(
        (output.status.code(), output.status.signal()),
        (Some(code), None),
        "{told}"
    );
    assert!(
        told.starts_with("digest: stopped, ") && told.contains(" left\n"),
        "{told}"
    );
    assert!(
        told.ends_with(&format!("\n  cause:    {cause}\n")),
        "{told}"
    );
    assert!(took < BOUND, "it took {took:?}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
