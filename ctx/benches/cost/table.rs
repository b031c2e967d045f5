//! The table of ratios, for the terminal and for the page.

use crate::report::{Report, Role, Row};

/// Title, ours, rivals, floors, ratio, bound, verdict.
type Line = [String; 7];

const HEADINGS: [&str; 6] = ["ours", "rival", "floor", "ratio", "at most", ""];

/// One line for each bound of a row, and one for a row that has none.
fn lines(row: &Row, named: bool) -> Vec<Line> {
    let first = [
        row.title.clone(),
        figures(row, Role::Ours, false),
        figures(row, Role::Rival, named),
        figures(row, Role::Floor, named),
    ];
    let bounds = row.bounds.iter().map(|bound| {
        let ratio = match bound.ratio {
            Some(_) if bound.absolute => String::new(),
            Some(ratio) => format!("{ratio:.3}"),
            None => "-".to_owned(),
        };
        [ratio, bound.text.clone(), bound.word().to_owned()]
    });
    let none = row.bounds.is_empty().then(Default::default);
    std::iter::once(first)
        .chain(std::iter::repeat_with(Default::default))
        .zip(bounds.chain(none))
        .map(|([a, b, c, d], [e, f, g])| [a, b, c, d, e, f, g])
        .collect()
}

fn figures(row: &Row, role: Role, named: bool) -> String {
    let figures = row.figures.iter().filter(|it| it.role == role);
    let figures = figures.map(|it| {
        let value = it
            .value
            .map_or("-".to_owned(), |it| quantity(it, &row.unit));
        if named {
            format!("{} {value}", it.name)
        } else {
            value
        }
    });
    figures.collect::<Vec<_>>().join("; ")
}

fn quantity(value: f64, unit: &str) -> String {
    match unit {
        "ns" if value >= 1e6 => format!("{:.2} ms", value / 1e6),
        "ns" if value >= 1e4 => format!("{:.1} us", value / 1e3),
        "ns" if value >= 100.0 => format!("{value:.0} ns"),
        "ns" if value < 1.0 => format!("{value:.2} ns"),
        "ns" => format!("{value:.1} ns"),
        "s" => format!("{value:.2} s"),
        _ => format!("{value:.0} {unit}").trim_end().to_owned(),
    }
}

/// The rows of each theme, in the order in which they were measured.
fn themes(report: &Report) -> impl Iterator<Item = (&str, &[Row])> {
    let themes = report.rows.chunk_by(|a, b| a.theme == b.theme);
    themes.map(|rows| (rows[0].theme.as_str(), rows))
}

/// For the terminal, in columns. The figures of the rivals and floors stand in the order in which the page
/// and the JSON name them; the bounds name those that decide.
pub(crate) fn print(report: &Report) {
    for (theme, rows) in themes(report) {
        let [ours, rival, floor, ratio, bound, word] = HEADINGS.map(str::to_owned);
        let mut table = vec![[theme.to_uppercase(), ours, rival, floor, ratio, bound, word]];
        table.extend(rows.iter().flat_map(|row| lines(row, false)));
        let widest = |column: usize| table.iter().map(|line| line[column].chars().count()).max();
        let widths: [usize; 7] = std::array::from_fn(|it| widest(it).unwrap_or(0));
        println!();
        for line in &table {
            let cells = line.iter().zip(widths).enumerate();
            let cells = cells.map(|(at, (cell, width))| match at {
                0 | 5 | 6 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
    }
}

/// For the page.
pub(crate) fn markdown(report: &Report) -> String {
    let facts = report
        .machine
        .iter()
        .map(|(name, fact)| format!("{name}: {fact}"));
    let facts = facts.collect::<Vec<_>>().join("; ");
    let mut text = vec![format!("Measured on and with {facts}.")];
    for (theme, rows) in themes(report) {
        let headings = HEADINGS.join(" | ");
        text.push(format!(
            "\n| {theme} | {headings} |\n|---|---|---|---|---|---|---|"
        ));
        let lines = rows.iter().flat_map(|row| lines(row, true));
        text.extend(lines.map(|line| format!("| {} |", line.join(" | "))));
    }
    text.push(summary(report));
    text.push(String::new());
    text.join("\n")
}

const BELOW: &str = "below the floor";

/// How many bounds are met, and which rows are behind.
pub(crate) fn summary(report: &Report) -> String {
    let bounds = || {
        report
            .rows
            .iter()
            .flat_map(|row| row.bounds.iter().map(move |it| (row, it)))
    };
    let count = |word: &str| bounds().filter(|it| it.1.word() == word).count();
    let (met, behind, not_run) = (count("ok"), count("behind"), count("not run"));
    let floor = count(BELOW);
    let mut text = vec![format!(
        "\nBounds met: {met}; below the floor: {floor}; behind: {behind}; not run: {not_run}."
    )];
    if floor > 0 {
        text.push(
            "Below the floor, so that nobody meets them; ours beside the floor's ratio:\n"
                .to_owned(),
        );
    }
    let low = bounds().filter(|it| it.1.word() == BELOW);
    text.extend(low.map(|(row, bound)| {
        let (ours, least) = (
            bound.ratio.unwrap_or(f64::NAN),
            bound.least.unwrap_or(f64::NAN),
        );
        format!(
            "- {}: {}; ours {ours:.2}, the floor {least:.2}",
            row.title, bound.text
        )
    }));
    if not_run > 0 {
        text.push("Go's rows are run by compare.sh.".to_owned());
    }
    if behind > 0 {
        text.push("\nBehind, and by how much ours would have to shrink:\n".to_owned());
    }
    let late = bounds().filter(|it| it.1.word() == "behind");
    text.extend(late.map(|(row, bound)| {
        let over = bound.ratio.unwrap_or(f64::NAN) / bound.limit;
        format!("- {}: {over:.1} times {}", row.title, bound.text)
    }));
    text.join("\n")
}
