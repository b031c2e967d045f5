//! What the operations cost as things grow: children, depth, deadlines, values and keys.
//!
//! `cargo bench -p ctx --bench scale` prints a table for each question and writes them all to
//! `target/bench/scale.json`; `-- chain` takes those with that word in their title, `-- --quick` is a smoke
//! run that stops at a thousand. `-- --write` measures nothing, and draws the last whole run into
//! `docs/scale.svg`.

#![allow(missing_docs, reason = "a benchmark has no callers")]

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
#[path = "../shared/place.rs"]
mod place;
#[path = "../shared/timed.rs"]
mod timed;

mod sampler;
mod report;
mod axis;
mod plot;

mod cancelling;
mod calls;
mod depth;
mod deadlines;
mod values;

use report::{Panel, Report};
use sampler::Sampler;
use std::{fs, io};

fn main() -> io::Result<()> {
    let (flags, filter): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|it| it.starts_with('-'));
    let has = |flag: &str| flags.iter().any(|it| it == flag);
    if has("--write") {
        let path = place::root().join("docs/scale.svg");
        fs::write(&path, plot::svg(&Report::read()?))?;
        println!("the last whole run is drawn in {}", path.display());
        return Ok(());
    }
    let whole = filter.is_empty() && !has("--quick");
    let mut sampler = Sampler::new(filter, has("--quick"));
    for panels in [
        cancelling::panels,
        calls::panels,
        depth::panels,
        deadlines::panels,
        values::panels,
    ] {
        panels(&mut sampler);
    }
    sampler.report.panels.iter().for_each(print);
    let path = sampler.report.write(whole)?;
    println!("\nwritten to {}", path.display());
    Ok(())
}

fn print(panel: &Panel) {
    println!("\n{}", panel.title);
    let points = panel.series.iter().flat_map(|it| it.points.iter());
    let mut sizes: Vec<f64> = points.map(|it| it.0).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    print!("{:>26}", panel.sizes);
    panel.series.iter().for_each(|it| print!("{:>24}", it.name));
    println!();
    for size in sizes {
        print!("{size:>26}");
        for series in &panel.series {
            let point = series
                .points
                .iter()
                .find(|it| it.0.total_cmp(&size).is_eq());
            let text = point.map_or("-".to_owned(), |it| axis::duration(it.1));
            print!("{text:>24}");
        }
        println!();
    }
}
