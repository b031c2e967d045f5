//! Runs this binary under callgrind, which counts inside one function and nowhere else, and writes a part for
//! each call of it.

use crate::place::target;
use std::{
    collections::BTreeMap,
    fs,
    hint::black_box,
    path::Path,
    process::{Command, Stdio},
};

/// Set where the rows are to be run, and not callgrind.
pub(crate) const INSIDE: &str = "CTX_BENCH_UNDER_CALLGRIND";

/// How many instructions one operation of each row took.
pub(crate) type Counts = Vec<(String, f64)>;

/// What callgrind wrote about one row.
pub(crate) struct Part {
    pub(crate) name: String,
    /// How many operations it counted.
    pub(crate) times: f64,
    pub(crate) text: String,
}

/// Runs an operation so often, inside what callgrind counts, after it has run once outside.
pub(crate) fn row<T>(name: &str, times: u32, operation: impl FnMut() -> T) {
    row_of(name, times, 1, operation);
}

/// The same, where one call is many operations.
pub(crate) fn row_of<T>(name: &str, times: u32, each: u32, mut operation: impl FnMut() -> T) {
    black_box(operation());
    println!("row\t{}\t{name}", times * each);
    counted(times, operation);
}

/// The same on inputs that are made before and dropped after.
pub(crate) fn row_on<P, T>(
    name: &str,
    each: u32,
    inputs: Vec<P>,
    mut operation: impl FnMut(&mut P) -> T,
) {
    let mut inputs = inputs;
    let (first, rest) = inputs.split_first_mut().expect("there are inputs");
    black_box(operation(first));
    let count = u32::try_from(rest.len()).expect("there are few");
    println!("row\t{}\t{name}", count * each);
    let mut rest = rest.iter_mut();
    counted(count, || rest.next().map(&mut operation));
}

/// The loop is compiled with its operation, as it is in `benches/cost`.
fn counted<T>(times: u32, mut operation: impl FnMut() -> T) {
    count_inside(&mut || {
        for _ in 0..times {
            black_box(operation());
        }
    });
}

/// Callgrind finds it by its name, which has no parameter in it, so that every demangler writes it alike.
#[inline(never)]
fn count_inside(work: &mut dyn FnMut()) {
    work();
}

const COUNTED: &str = "instructions::callgrind::count_inside";

/// Runs every row under callgrind.
pub(crate) fn run() -> Result<Vec<Part>, String> {
    let folder = target().join("bench").join("callgrind");
    // What an earlier run left would be read as this one's.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|it| it.to_string())?;
    let output = command(&folder)?.output().map_err(|it| it.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let rows = text.lines().filter_map(|line| line.strip_prefix("row\t"));
    let parts = rows.enumerate().map(|(at, row)| {
        let (times, name) = row.split_once('\t').ok_or("a row has a name")?;
        let path = folder.join(format!("out.{}", at + 1));
        Ok(Part {
            name: name.to_owned(),
            times: times.parse().map_err(|_| "a row has a number")?,
            text: fs::read_to_string(path).map_err(|it| format!("{name}: {it}"))?,
        })
    });
    parts.collect()
}

fn command(folder: &Path) -> Result<Command, String> {
    let binary = std::env::current_exe().map_err(|it| it.to_string())?;
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .args(["--compress-strings=no", "--compress-pos=no"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--dump-after={COUNTED}"))
        .arg(format!("--callgrind-out-file={}/out", folder.display()))
        .arg(binary)
        // The environment moves the stack about.
        .env_clear()
        .env(INSIDE, "1")
        .stdin(Stdio::null());
    Ok(command)
}

/// The figure of each row.
pub(crate) fn counts(parts: &[Part]) -> Result<Counts, String> {
    let counts = parts.iter().map(|part| {
        let mut lines = part.text.lines();
        let total = lines.find_map(|line| line.strip_prefix("summary: "));
        let total: Option<f64> = total.and_then(|it| it.trim().parse().ok());
        let total = total.ok_or_else(|| format!("{}: callgrind counted nothing", part.name))?;
        Ok((part.name.clone(), total / part.times))
    });
    counts.collect()
}

/// The functions that a row spent its instructions in, the most expensive first, without what they call.
pub(crate) fn functions(part: &Part) -> Vec<(f64, String)> {
    let (mut costs, mut function) = (BTreeMap::<&str, f64>::new(), "");
    let mut lines = part.text.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("fn=") {
            function = name;
        } else if line.starts_with("calls=") {
            // The line after it holds what the callee cost.
            lines.next();
        } else if let Some((_, cost)) = line.split_once(' ') {
            // A line of the source, and its cost; anything else is no number.
            let cost: f64 = cost.parse().unwrap_or(0.0);
            *costs.entry(function).or_default() += cost;
        }
    }
    let each = costs
        .into_iter()
        .map(|(name, cost)| (cost / part.times, name.to_owned()));
    // The entry of the program has no name, and costs nothing of its own.
    let known = each.filter(|it| it.0 >= 0.5 && !it.1.is_empty() && !it.1.starts_with("0x"));
    let mut functions: Vec<_> = known.collect();
    functions.sort_by(|a, b| b.0.total_cmp(&a.0));
    functions
}
