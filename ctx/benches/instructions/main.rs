//! How many instructions the hot operations take, which no noisy neighbour changes.
//!
//! `cargo bench -p ctx --bench instructions` runs this binary under valgrind's callgrind, prints the figures
//! beside the committed ones in `figures.txt`, and fails when one has grown by more than 5 %. The figures
//! belong to one compiler and one C library; with others, or without a valgrind, it says why it skips.
//! `CTX_BENCH_UPDATE=1` writes the file anew. `-- --profile derive` prints where the rows with `derive` in
//! their names spend theirs.

#![allow(missing_docs, reason = "a benchmark has no callers")]

#[path = "../shared/awaits.rs"]
mod awaits;
#[path = "../shared/chain.rs"]
mod chain;
#[path = "../shared/keys.rs"]
mod keys;
#[path = "../shared/leaf.rs"]
mod leaf;
#[path = "../shared/output.rs"]
mod output;
#[path = "../shared/place.rs"]
mod place;
#[path = "../shared/sixteen.rs"]
mod sixteen;

mod callgrind;
mod figures;
mod rows;

use figures::Figures;
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::var_os(callgrind::INSIDE).is_some() {
        rows::run();
        return ExitCode::SUCCESS;
    }
    let mut arguments = std::env::args().skip_while(|it| it != "--profile");
    let said = match arguments.nth(1) {
        Some(wanted) => profile(wanted.trim_matches('-')),
        None => compare(),
    };
    match said {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

/// What there is to say, or what has grown.
fn compare() -> Result<String, String> {
    let update = std::env::var_os("CTX_BENCH_UPDATE").is_some();
    if output::first_line("valgrind", &["--version"]).is_none() {
        return Ok("instruction counts skipped: there is no valgrind here".to_owned());
    }
    let committed = Figures::read()?;
    let here = figures::toolchain();
    if !update && committed.toolchain != here {
        let there = committed.toolchain;
        return Ok(format!(
            "instruction counts skipped: the committed ones belong to {there}, and this is {here}"
        ));
    }
    let counted = callgrind::counts(&callgrind::run()?)?;
    if update {
        let path = Figures::write(&here, &counted)?;
        return Ok(format!("wrote {}", path.display()));
    }
    committed.compare(&counted)
}

/// The functions of the rows whose names have `wanted` in them.
fn profile(wanted: &str) -> Result<String, String> {
    let mut text = Vec::new();
    for part in callgrind::run()? {
        if !part.name.contains(wanted) {
            continue;
        }
        text.push(format!("\n{}", part.name));
        let functions = callgrind::functions(&part).into_iter().take(15);
        text.extend(functions.map(|(cost, function)| format!("{cost:>10.1}  {function}")));
    }
    Ok(text.join("\n"))
}
