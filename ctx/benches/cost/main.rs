//! What the operations cost, each beside its neighbours on the same work, and beside a floor.
//!
//! `cargo bench -p ctx --bench cost` prints one table of ratios and writes it to `target/bench/cost.json`;
//! `-- reading` takes one theme, or any part of a title. `-- --quick` is a smoke run, whose figures are not
//! worth quoting. `-- --write` measures nothing, and renders the last whole run into `docs/performance.md`.

#![allow(missing_docs, reason = "a benchmark has no callers")]

#[path = "../shared/awaits.rs"]
mod awaits;
#[path = "../shared/chain.rs"]
mod chain;
#[path = "../shared/chains.rs"]
mod chains;
#[path = "../shared/go.rs"]
mod go;
#[path = "../shared/keys.rs"]
mod keys;
#[path = "../shared/leaf.rs"]
mod leaf;
#[path = "../shared/machine.rs"]
mod machine;
#[path = "../shared/output.rs"]
mod output;
#[path = "../shared/page.rs"]
mod page;
#[path = "../shared/place.rs"]
mod place;
#[macro_use]
#[path = "../shared/sixteen.rs"]
mod sixteen;
#[path = "../shared/timed.rs"]
mod timed;

mod harness;
mod least;
mod rivals;
mod row;
mod bound;
mod report;
mod table;

mod counting;
mod neighbours;
mod threads;

mod reading;
mod deriving;
mod checkpoints;
mod cancelling;
mod values;
mod memory;
mod build;

use go::Go;
use harness::Harness;
use report::Report;
use std::io;

const THEMES: [fn(&mut Harness); 7] = [
    reading::rows,
    deriving::rows,
    checkpoints::rows,
    cancelling::rows,
    values::rows,
    memory::rows,
    build::rows,
];

fn main() -> io::Result<()> {
    let (flags, filter): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|it| it.starts_with('-'));
    let has = |flag: &str| flags.iter().any(|it| it == flag);
    let (quick, whole) = (has("--quick"), filter.is_empty() && !has("--quick"));
    if has("--write") {
        let path = page::write("cost", &table::markdown(&Report::read()?))?;
        println!("the last whole run is in {}", path.display());
        return Ok(());
    }
    let report = Report {
        machine: machine::facts(),
        rows: Vec::new(),
    };
    let go = if quick {
        Go::found("1x", 1)
    } else {
        Go::found("100ms", 5)
    };
    let mut harness = Harness::new(report, filter, quick, go);
    for theme in THEMES {
        theme(&mut harness);
    }
    table::print(&harness.report);
    println!("{}", table::summary(&harness.report));
    let path = harness.report.write(whole)?;
    println!("\nwritten to {}", path.display());
    Ok(())
}
