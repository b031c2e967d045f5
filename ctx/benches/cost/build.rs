//! What a user waits for: a cold debug build.

use crate::{bound::times, harness::Harness, place::root, report::Role};
use std::process::Command;

const THEIRS: &str = "tokio-util and tokio's macros";

pub(crate) fn rows(harness: &mut Harness) {
    let title = "cold debug build of a small program";
    if harness.is_quick() || !harness.wants("build", title) {
        return;
    }
    eprintln!("building a small program, cold, three times on each side");
    let output = Command::new("bash")
        .arg(root().join("ctx/benches/build.sh"))
        .arg("3")
        .output();
    let output = output.map(|it| it.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&output);
    // Without rounds the row says that it was not run.
    let rounds = text.lines().filter_map(|line| {
        let mut words = line.strip_prefix("round ")?.split(' ');
        let mut seconds = || words.next()?.parse::<f64>().ok();
        Some((seconds()?, seconds()?))
    });
    let (ours, theirs): (Vec<f64>, Vec<f64>) = rounds.unzip();
    harness
        .row("build", title)
        .unit("s")
        .known("ours", Role::Ours, ours)
        .known(THEIRS, Role::Rival, theirs)
        .bound(times(1.6, THEIRS))
        .measure();
}
