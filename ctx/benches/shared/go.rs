//! The neighbour in Go, if `compare.sh` has built it.

use std::{path::PathBuf, process::Command};

/// The test binary of `benches/go`, built by `compare.sh`, which names it in `CTX_BENCH_GO`.
pub(crate) struct Go {
    binary: PathBuf,
    /// Go's `-test.benchtime`.
    time: &'static str,
    /// Go's `-test.count`.
    runs: usize,
}

impl Go {
    pub(crate) fn found(time: &'static str, runs: usize) -> Option<Go> {
        let binary = PathBuf::from(std::env::var_os("CTX_BENCH_GO")?);
        Some(Go { binary, time, runs })
    }

    /// The median of a few runs of a benchmark, or of a part of one, as in `Cancel/1000`: nanoseconds for each
    /// operation.
    ///
    /// # Panics
    ///
    /// If the binary does not know the benchmark: a row would go unjudged.
    pub(crate) fn measure(&self, benchmark: &str) -> f64 {
        let output = Command::new(&self.binary)
            .arg("-test.run=^$")
            .arg(format!("-test.count={}", self.runs))
            .arg(format!("-test.benchtime={}", self.time))
            .arg(format!(
                "-test.bench=^Benchmark{}$",
                benchmark.replace('/', "$/^")
            ))
            .output()
            .expect("compare.sh built the binary");
        let text = String::from_utf8_lossy(&output.stdout);
        let mut runs: Vec<f64> = text.lines().filter_map(nanoseconds).collect();
        assert!(!runs.is_empty(), "no Go benchmark {benchmark}: {text}");
        runs.sort_by(f64::total_cmp);
        runs[runs.len() / 2]
    }
}

/// From `BenchmarkDerive-2  5000000  214.0 ns/op`; a benchmark of many operations reports `ns/each`.
fn nanoseconds(line: &str) -> Option<f64> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let unit = |wanted| words.iter().position(|it| *it == wanted);
    let at = unit("ns/each").or_else(|| unit("ns/op"))?;
    words.get(at.checked_sub(1)?)?.parse().ok()
}
