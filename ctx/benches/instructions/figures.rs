//! The committed figures: a line for each row, under the toolchain that they belong to.

use crate::{callgrind::Counts, output::first_line, place::root};
use std::{env::consts::ARCH, fmt::Write as _, fs, path::PathBuf};

/// How much a figure may grow.
const GROWTH: f64 = 1.05;

pub(crate) struct Figures {
    pub(crate) toolchain: String,
    counts: Counts,
}

/// What decides how many instructions an operation takes, besides our code: the compiler, and the C library
/// for its allocator.
pub(crate) fn toolchain() -> String {
    let rustc =
        first_line("rustc", &["--version"]).unwrap_or_else(|| "an unknown rustc".to_owned());
    let library = first_line("ldd", &["--version"]).unwrap_or_else(|| "an unknown libc".to_owned());
    format!("{rustc}; {library}; {ARCH}")
}

fn path() -> PathBuf {
    root().join("ctx/benches/instructions/figures.txt")
}

impl Figures {
    pub(crate) fn read() -> Result<Figures, String> {
        let text = fs::read_to_string(path()).unwrap_or_default();
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let toolchain = lines.next().unwrap_or("nothing").to_owned();
        let counts = lines.map(|line| {
            let wrong = || format!("figures.txt: `{line}` is no name and number");
            let (count, name) = line.trim().split_once("  ").ok_or_else(wrong)?;
            let count = count.parse().map_err(|_| wrong())?;
            Ok((name.to_owned(), count))
        });
        let counts = counts.collect::<Result<_, String>>()?;
        Ok(Figures { toolchain, counts })
    }

    pub(crate) fn write(toolchain: &str, counts: &Counts) -> Result<PathBuf, String> {
        let mut text = String::from(
            "# Instructions for one operation, as `CTX_BENCH_UPDATE=1 cargo bench -p ctx --bench\n\
             # instructions` counts them; its loop is in each figure. They belong to this toolchain:\n",
        );
        text += toolchain;
        text.push('\n');
        for (name, count) in counts {
            writeln!(text, "{count:>10.1}  {name}").map_err(|it| it.to_string())?;
        }
        fs::write(path(), text).map_err(|it| it.to_string())?;
        Ok(path())
    }

    /// A table; an error if a figure has grown, or if the file and the rows are not the same.
    pub(crate) fn compare(&self, counted: &Counts) -> Result<String, String> {
        let mut text = format!(
            "{:>10} {:>10}  instructions, one operation\n",
            "now", "committed"
        );
        let mut wrong = Vec::new();
        for (name, now) in counted {
            let known = self.counts.iter().find(|it| it.0 == *name);
            let Some((_, before)) = known else {
                wrong.push(format!("{name}: not in figures.txt"));
                continue;
            };
            // A tenth is what the file rounds to.
            if *now > before * GROWTH + 0.1 {
                wrong.push(format!("{name}: {before:.1} -> {now:.1}"));
            }
            let change = (now / before - 1.0) * 100.0;
            writeln!(text, "{now:>10.1} {before:>10.1}  {name} {change:>+.1} %")
                .map_err(|it| it.to_string())?;
        }
        for (name, _) in &self.counts {
            if !counted.iter().any(|it| it.0 == *name) {
                wrong.push(format!("{name}: in figures.txt, and no row"));
            }
        }
        if wrong.is_empty() {
            return Ok(text);
        }
        let wrong = wrong.join("\n  ");
        Err(format!(
            "{text}\ngrown by more than 5 %, or not counted on both sides:\n  {wrong}\n\
             If that is meant, `CTX_BENCH_UPDATE=1 cargo bench -p ctx --bench instructions` says so."
        ))
    }
}
