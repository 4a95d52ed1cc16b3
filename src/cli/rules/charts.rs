//! Charts as SVG inside a page: bars, intervals, a line of counts, a matrix of levels.
//!
//! Invariant: a chart shows the numbers it is given and nothing else; every text in it is escaped by `maud`; nothing is fetched.

use maud::{Markup, PreEscaped, html};

use crate::core::tools::quality::Share;

/// Width of every chart, units of its view box.
const WIDTH: f64 = 720.0;
/// Where bars begin.
const LEFT: f64 = 260.0;
/// Height of a bar and the space below it.
const BAR: f64 = 14.0;

/// A text in both languages; the page shows one of them.
pub(super) fn both(en: &str, zh: &str) -> Markup {
    html! { span.en lang="en" { (en) } span.zh lang="zh" { (zh) } }
}

/// A text within a chart in both languages.
fn label(x: f64, y: f64, anchor: &str, (en, zh): (&str, &str)) -> Markup {
    html! {
        text.en x=(x) y=(y) text-anchor=(anchor) { (en) }
        text.zh x=(x) y=(y) text-anchor=(anchor) { (zh) }
    }
}

/// A row of bars: its name in both languages, what it stands for, and a value for each side.
pub(super) struct Row {
    pub(super) name: (String, String),
    /// What a pointer shows, in both languages.
    pub(super) title: (String, String),
    pub(super) values: Vec<u64>,
}

/// Horizontal bars, one for each side under one another.
pub(super) fn bars(rows: &[Row]) -> Markup {
    let most = rows.iter().flat_map(|row| &row.values).max();
    let most = most.copied().unwrap_or(0).max(1) as f64;
    let sides = rows.iter().map(|row| row.values.len()).max().unwrap_or(1);
    let step = BAR * sides as f64 + 8.0;
    let height = step * rows.len() as f64 + 4.0;
    let room = WIDTH - LEFT - 70.0;
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (height) } role="img" {
            @for (n, row) in rows.iter().enumerate() {
                @let top = n as f64 * step + 4.0;
                g {
                    title { (row.title.0) @if row.title.1 != row.title.0 { " · " (row.title.1) } }
                    (label(LEFT - 8.0, top + BAR * sides as f64 / 2.0 + 4.0, "end", (row.name.0.as_str(), row.name.1.as_str())))
                    @for (side, value) in row.values.iter().enumerate() {
                        @let y = top + side as f64 * BAR;
                        @let width = room * *value as f64 / most;
                        rect class=(side_class(side)) x=(LEFT) y=(y) width=(width) height=(BAR - 2.0) {}
                        text x=(LEFT + width + 5.0) y=(y + BAR - 4.0) { (value) }
                    }
                }
            }
        }
    }
}

fn side_class(side: usize) -> &'static str {
    if side == 0 { "a" } else { "b" }
}

/// Shares between 0 and 1 with their intervals: name in both languages, and one for each side.
pub(super) fn intervals(rows: &[((&str, &str), Vec<Option<Share>>)]) -> Markup {
    let sides = rows
        .iter()
        .map(|(_, shares)| shares.len())
        .max()
        .unwrap_or(1);
    let step = 18.0 * sides as f64 + 10.0;
    let height = step * rows.len() as f64 + 24.0;
    let room = WIDTH - LEFT - 190.0;
    let x = |share: f64| LEFT + room * share;
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (height) } role="img" {
            @for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
                line.grid x1=(x(tick)) x2=(x(tick)) y1="0" y2=(height - 20.0) {}
                text x=(x(tick)) y=(height - 6.0) text-anchor="middle" { (tick) }
            }
            @for (n, (name, shares)) in rows.iter().enumerate() {
                @let top = n as f64 * step + 8.0;
                (label(LEFT - 8.0, top + 9.0 * sides as f64, "end", *name))
                @for (side, share) in shares.iter().enumerate() {
                    @let y = top + side as f64 * 18.0 + 6.0;
                    @if let Some(share) = share {
                        line class={ "whisker " (side_class(side)) } x1=(x(share.low)) x2=(x(share.high)) y1=(y) y2=(y) {}
                        circle class=(side_class(side)) cx=(x(share.value)) cy=(y) r="4.5" {}
                        text x=(LEFT + room + 12.0) y=(y + 4.0) {
                            (format!("{:.3} ({:.3}–{:.3})", share.value, share.low, share.high))
                        }
                    } @else {
                        text x=(LEFT + room + 12.0) y=(y + 4.0) { "–" }
                    }
                }
            }
        }
    }
}

/// Counts over time, one line for each side; `ends` names the beginning and the end.
pub(super) fn lines(series: &[Vec<u64>], ends: [&str; 2]) -> Markup {
    const HEIGHT: f64 = 160.0;
    let most = series.iter().flatten().max().copied().unwrap_or(0).max(1) as f64;
    let place = |n: usize, of: usize, value: u64| {
        let x = 40.0 + (WIDTH - 60.0) * n as f64 / (of.max(2) - 1) as f64;
        let y = HEIGHT - 30.0 - (HEIGHT - 45.0) * value as f64 / most;
        (x, y)
    };
    let path = |values: &[u64]| {
        let points = values.iter().enumerate();
        let points: Vec<String> = points
            .map(|(n, value)| place(n, values.len(), *value))
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        points.join(" ")
    };
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" {
            line.grid x1="40" x2=(WIDTH - 20.0) y1=(HEIGHT - 30.0) y2=(HEIGHT - 30.0) {}
            line.grid x1="40" x2=(WIDTH - 20.0) y1="15" y2="15" {}
            text x="34" y="19" text-anchor="end" { (most) }
            text x="34" y=(HEIGHT - 26.0) text-anchor="end" { "0" }
            @for (side, values) in series.iter().enumerate() {
                polyline class=(side_class(side)) points=(path(values)) {}
                // A line of one point is none.
                @if let [value] = values[..] {
                    @let (x, y) = place(0, 1, value);
                    circle class=(side_class(side)) cx=(x) cy=(y) r="4.5" {}
                }
            }
            text x="40" y=(HEIGHT - 10.0) { (ends[0]) }
            @if ends[0] != ends[1] {
                text x=(WIDTH - 20.0) y=(HEIGHT - 10.0) text-anchor="end" { (ends[1]) }
            }
        }
    }
}

/// How many went from which row to which column; `names` are of rows and columns alike.
pub(super) fn matrix(names: &[(&str, &str)], counts: &[Vec<u64>]) -> Markup {
    let most = counts.iter().flatten().max().copied().unwrap_or(0).max(1) as f64;
    html! {
        table.matrix {
            tr { th { "A ↓  B →" } @for (en, zh) in names { th { (both(en, zh)) } } }
            @for ((n, row), (en, zh)) in counts.iter().enumerate().zip(names) {
                tr {
                    th { (both(en, zh)) }
                    @for (m, count) in row.iter().enumerate() {
                        @let shade = (*count as f64 / most * 0.8 * 100.0).round() / 100.0;
                        td class=(if n == m { "same" } else { "other" }) style={ "--shade:" (shade) } {
                            @if *count > 0 { (count) }
                        }
                    }
                }
            }
        }
    }
}

/// The style of a page with charts, and of its switch between languages.
pub(super) const STYLE: PreEscaped<&str> = PreEscaped(
    "
:root { color-scheme: light dark; --a: #2f6fb7; --b: #d9822b; --grid: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
rect.a, circle.a { fill: var(--a); } rect.b, circle.b { fill: var(--b); }
line.a, polyline.a { stroke: var(--a); } line.b, polyline.b { stroke: var(--b); }
polyline { fill: none; stroke-width: 2; } line.whisker { stroke-width: 2.5; } line.grid { stroke: var(--grid); }
table { border-collapse: collapse; } th, td { padding: .15rem .6rem; text-align: left; vertical-align: top; }
tbody tr { border-top: 1px solid var(--grid); } td.n { text-align: right; font-variant-numeric: tabular-nums; }
.matrix td { text-align: right; min-width: 3rem; background: rgb(217 130 43 / var(--shade)); }
.matrix td.same { background: rgb(47 111 183 / var(--shade)); }
.key { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 .8em; } .key.a { background: var(--a); } .key.b { background: var(--b); }
.lang { position: absolute; opacity: 0; } .switch { float: right; } .switch label { cursor: pointer; padding: .1rem .5rem; border: 1px solid var(--grid); }
#en:checked ~ main .zh, #zh:checked ~ main .en { display: none; }
#en:checked ~ main label[for=en], #zh:checked ~ main label[for=zh] { font-weight: bold; text-decoration: underline; }
#en:focus-visible ~ main label[for=en], #zh:focus-visible ~ main label[for=zh] { outline: 2px solid var(--a); }
.blue { color: #2f6fb7; } .yellow { color: #a98500; } .orange { color: #d9660b; } .red { color: #c62828; }
.quiet { opacity: .7; }
",
);
