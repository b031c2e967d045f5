//! What a run ran on, so that figures are never quoted without it.

use crate::{output::first_line, place::root};
use std::{collections::BTreeMap, fs, thread};

/// The facts, by name.
pub(crate) fn facts() -> BTreeMap<String, String> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let facts = [
        ("load when it began", load()),
        ("processor", processor()),
        ("cores", Some(cores.to_string())),
        ("kernel", first_line("uname", &["-sr"])),
        ("go", std::env::var("CTX_BENCH_GO_VERSION").ok()),
        ("rustc", first_line("rustc", &["--version"])),
        ("tokio", locked("tokio")),
        ("tokio-util", locked("tokio-util")),
    ];
    let known = facts
        .into_iter()
        .filter_map(|(name, fact)| Some((name, fact?)));
    known.map(|(name, fact)| (name.to_owned(), fact)).collect()
}

/// How many others wanted a core in the minute before.
fn load() -> Option<String> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    Some(text.split_once(' ')?.0.to_owned())
}

fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The version of a package in the lock file.
fn locked(package: &str) -> Option<String> {
    let text = fs::read_to_string(root().join("Cargo.lock")).ok()?;
    let name = format!("name = \"{package}\"");
    let mut lines = text.lines().skip_while(|line| *line != name);
    let version = lines.nth(1)?.strip_prefix("version = ")?;
    Some(version.trim_matches('"').to_owned())
}
