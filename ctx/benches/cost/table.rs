//! The table of ratios, for the terminal and for the page.

use crate::report::{Report, Role, Row};

const HEADINGS: [&str; 7] = ["", "ours", "rival", "floor", "ratio", "at most", ""];

/// One line for each bound, and one for a row that has none.
fn lines(row: &Row) -> Vec<[String; 7]> {
    let figures = |role| {
        let wanted = row.figures.iter().filter(|it| it.role == role);
        wanted
            .map(|it| match it.value {
                Some(value) if role == Role::Ours => quantity(value, &row.unit),
                Some(value) => format!("{} {}", it.name, quantity(value, &row.unit)),
                None => format!("{} -", it.name),
            })
            .collect::<Vec<_>>()
            .join("; ")
    };
    let first = [
        row.title.clone(),
        figures(Role::Ours),
        figures(Role::Rival),
        figures(Role::Floor),
    ];
    let bounds = row.bounds.iter().map(|bound| {
        let ratio = bound.ratio.map_or("-".to_owned(), |it| format!("{it:.3}"));
        [ratio, bound.text.clone(), bound.word().to_owned()]
    });
    let none = row.bounds.is_empty().then(Default::default);
    let with_titles = std::iter::once(first).chain(std::iter::repeat_with(Default::default));
    with_titles
        .zip(bounds.chain(none))
        .map(|([a, b, c, d], [e, f, g])| [a, b, c, d, e, f, g])
        .collect()
}

fn quantity(value: f64, unit: &str) -> String {
    match unit {
        "ns" if value >= 1e6 => format!("{:.2} ms", value / 1e6),
        "ns" if value >= 1e4 => format!("{:.1} us", value / 1e3),
        "ns" if value >= 100.0 => format!("{value:.0} ns"),
        "ns" => format!("{value:.2} ns"),
        "s" => format!("{value:.2} s"),
        _ if unit.is_empty() => format!("{value}"),
        _ => format!("{value} {unit}"),
    }
}

fn themes(report: &Report) -> impl Iterator<Item = (&str, Vec<[String; 7]>)> {
    report.rows.chunk_by(|a, b| a.theme == b.theme).map(|rows| {
        (
            rows[0].theme.as_str(),
            rows.iter().flat_map(lines).collect(),
        )
    })
}

/// For the terminal: in columns, without the figures of the rivals, which are in the page and in the JSON.
pub(crate) fn print(report: &Report) {
    for (theme, lines) in themes(report) {
        let (last, mut rest) = ("", lines);
        rest.insert(0, HEADINGS.map(str::to_owned));
        rest[0][0] = theme.to_owned();
        let width = |column: usize| {
            let widths = rest.iter().map(|line| line[column].chars().count());
            widths.max().unwrap_or(0)
        };
        println!("{last}");
        for [title, ours, rival, floor, ratio, bound, word] in &rest {
            println!(
                "{title:<0$}  {ours:>1$}  {rival:<2$}  {floor:<3$}  {ratio:>4$}  {bound:<5$}  {word}",
                width(0),
                width(1),
                width(2),
                width(3),
                width(4),
                width(5),
            );
        }
    }
}

/// For the page.
pub(crate) fn markdown(report: &Report) -> String {
    let mut text = String::from("Measured with ");
    let facts = report.machine.iter();
    let facts: Vec<_> = facts
        .map(|(name, fact)| format!("{name}: {fact}"))
        .collect();
    text += &facts.join("; ");
    text += ".\n";
    for (theme, lines) in themes(report) {
        text += &format!("\n| {theme} | ours | rival | floor | ratio | at most | |\n");
        text += "|---|---|---|---|---|---|---|\n";
        for line in lines {
            text += &format!("| {} |\n", line.join(" | "));
        }
    }
    text
}
