//! The plot: a panel for each question, log-log, ours beside the neighbours'.

use crate::{
    axis::{self, Axis},
    report::{Panel, Report, Series, Who},
};

const COLUMNS: usize = 2;
const WIDTH: f64 = 470.0;
const HEIGHT: f64 = 300.0;
/// Around the frame of a panel: left, top, right, bottom.
const MARGIN: [f64; 4] = [64.0, 62.0, 26.0, 48.0];

const STYLE: &str = "\
text { font: 12px -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif; fill: #495057 }
.title { font-size: 14px; font-weight: 600; fill: #212529 }
.tick { font-size: 11px; fill: #868e96 }
.grid { stroke: #e9ecef; stroke-width: 1 }
.frame { stroke: #adb5bd; stroke-width: 1; fill: none }
.line { fill: none; stroke-linejoin: round; stroke-linecap: round }";

/// Colours that differ for the colour-blind too; ours is the thick one.
fn look(who: Who) -> (&'static str, f64) {
    match who {
        Who::Ours => ("#1864ab", 3.0),
        Who::Tokio => ("#e8590c", 1.8),
        Who::Go => ("#2f9e44", 1.8),
        Who::Floor => ("#868e96", 1.8),
    }
}

/// The whole picture.
pub(crate) fn svg(report: &Report) -> String {
    let rows = report.panels.len().div_ceil(COLUMNS);
    #[expect(clippy::cast_precision_loss, reason = "there are few panels")]
    let (width, height) = (WIDTH * COLUMNS as f64, HEIGHT * rows as f64);
    let mut text = vec![
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' height='{height}'>"
        ),
        format!("<style>{STYLE}</style>"),
        "<rect width='100%' height='100%' fill='white'/>".to_owned(),
    ];
    for (at, panel) in report.panels.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "there are few panels")]
        let (x, y) = ((at % COLUMNS) as f64, (at / COLUMNS) as f64);
        text.push(format!(
            "<g transform='translate({} {})'>",
            x * WIDTH,
            y * HEIGHT
        ));
        text.extend(draw(panel));
        text.push("</g>".to_owned());
    }
    text.push("</svg>\n".to_owned());
    text.join("\n")
}

fn draw(panel: &Panel) -> Vec<String> {
    let [left, top, right, bottom] = MARGIN;
    let (right, bottom) = (WIDTH - right, HEIGHT - bottom);
    let points = || panel.series.iter().flat_map(|it| it.points.iter());
    let sizes = Axis::over(points().map(|it| it.0), 1, (left, right));
    let costs = Axis::over(points().map(|it| it.1), 2, (bottom, top));
    let mut text = vec![format!(
        "<text class='title' x='{left}' y='24'>{}</text>",
        panel.title
    )];
    text.extend(grid(&sizes, &costs));
    text.push(format!(
        "<text x='{:.1}' y='{:.1}' text-anchor='middle'>{}</text>",
        f64::midpoint(left, right),
        HEIGHT - 10.0,
        panel.sizes
    ));
    // Ours is drawn last, above the others.
    for series in panel.series.iter().rev() {
        text.extend(line(series, &sizes, &costs));
    }
    text.extend(legend(&panel.series));
    text
}

fn grid(sizes: &Axis, costs: &Axis) -> Vec<String> {
    let [left, top, right, bottom] = MARGIN;
    let (right, bottom) = (WIDTH - right, HEIGHT - bottom);
    let across = costs.ticks().enumerate().map(|(at, cost)| {
        let y = costs.at(cost);
        // Of many decades every other one is named.
        let name = if costs.ticks().count() > 6 && at % 2 == 1 {
            String::new()
        } else {
            axis::duration(cost)
        };
        format!(
            "<path class='grid' d='M{left} {y:.1}H{right}'/>\
             <text class='tick' x='{:.1}' y='{:.1}' text-anchor='end'>{name}</text>",
            left - 7.0,
            y + 4.0
        )
    });
    let upright = sizes.ticks().map(|size| {
        let x = sizes.at(size);
        format!(
            "<path class='grid' d='M{x:.1} {top}V{bottom}'/>\
             <text class='tick' x='{x:.1}' y='{:.1}' text-anchor='middle'>{}</text>",
            bottom + 16.0,
            axis::size(size)
        )
    });
    let frame = format!("<path class='frame' d='M{left} {top}V{bottom}H{right}'/>");
    across.chain(upright).chain([frame]).collect()
}

fn line(series: &Series, sizes: &Axis, costs: &Axis) -> Vec<String> {
    let (colour, width) = look(series.who);
    let at = |(size, cost): &(f64, f64)| (sizes.at(*size), costs.at(*cost));
    let corners = series.points.iter().map(at);
    let corners = corners.map(|(x, y)| format!("{x:.1},{y:.1}"));
    let corners = corners.collect::<Vec<_>>().join(" ");
    let line = format!(
        "<polyline class='line' stroke='{colour}' stroke-width='{width}' points='{corners}'/>"
    );
    let dots = series.points.iter().map(at).map(|(x, y)| {
        format!(
            "<circle cx='{x:.1}' cy='{y:.1}' r='{:.1}' fill='{colour}'/>",
            width + 0.4
        )
    });
    std::iter::once(line).chain(dots).collect()
}

/// The names stand under the title, each after a piece of its line.
fn legend(series: &[Series]) -> Vec<String> {
    let mut x = MARGIN[0];
    let entries = series.iter().map(|series| {
        let (colour, width) = look(series.who);
        let entry = format!(
            "<path d='M{x} 41h18' stroke='{colour}' stroke-width='{width}'/>\
             <text x='{}' y='45'>{}</text>",
            x + 24.0,
            series.name
        );
        let letters = u32::try_from(series.name.len()).unwrap_or(0);
        x += 44.0 + 6.6 * f64::from(letters);
        entry
    });
    entries.collect()
}
