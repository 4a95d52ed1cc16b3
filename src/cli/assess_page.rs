//! A month of the departments as a table, as CSV and as one HTML page that needs nothing else.
//!
//! Invariant: exercises stand apart from what was actual, and no cell of the CSV is a formula.

use std::fmt::Write as _;
use std::sync::Arc;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;
use serde::ser::{SerializeSeq as _, Serializer};
use serde_json::json;

use crate::core::drill::Lang;
use crate::core::model::{Bilingual, Millis, Status};
use crate::core::obligation::Assessed;
use crate::desk::http::text::cell;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;\
background:#fff}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:right;padding:.3rem .6rem;border-bottom:1px solid #d8dde3;font-variant-numeric:tabular-nums}\
th:first-child,td:first-child{text-align:left}.banner{background:#4a2a7b;color:#fff;padding:.4rem .8rem;font-weight:600}\
.muted{color:#5b6470}@media print{body{margin:0}}";

/// A month.
#[derive(Debug, Serialize)]
pub(super) struct Assessment {
    /// `YYYY-MM`.
    pub(super) month: String,
    /// Where that month is.
    pub(super) time_zone: String,
    /// Its first instant.
    pub(super) from: Millis,
    /// The first instant after it.
    pub(super) to: Millis,
    /// Whether it was over.
    pub(super) complete: bool,
    /// What was actual, and exercises.
    pub(super) parts: Vec<Part>,
}

/// What is of one status.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    /// Actual or exercise.
    pub(super) status: Status,
    /// Departments with their names.
    #[serde(serialize_with = "departments")]
    pub(super) departments: Vec<(Arc<str>, Bilingual, Assessed)>,
}

fn departments<S: Serializer>(
    all: &[(Arc<str>, Bilingual, Assessed)],
    out: S,
) -> Result<S::Ok, S::Error> {
    let mut list = out.serialize_seq(Some(all.len()))?;
    for (id, names, figures) in all {
        list.serialize_element(&json!({"id": id, "names": names, "figures": figures}))?;
    }
    list.end()
}

/// A column: its name in CSV, its titles, what is in it.
type Column = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Assessed) -> String,
);

fn number(count: u64) -> String {
    count.to_string()
}

/// A share in per cent with one digit behind the point; nothing of nothing is nothing.
fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return String::new();
    }
    format!("{:.1}", part as f64 * 100.0 / whole as f64)
}

/// Minutes with one digit behind the point.
fn minutes(time: Option<i64>) -> String {
    time.map_or_else(String::new, |ms| format!("{:.1}", ms as f64 / 60_000.0))
}

const COLUMNS: [Column; 15] = [
    ("incidents", "incidents", "事件", |it| {
        number(it.incidents)
    }),
    ("led", "led", "牵头", |it| number(it.led)),
    ("acknowledgements", "ack.", "应签收", |it| {
        number(it.acknowledgements)
    }),
    ("acknowledged_on_time", "in time", "按时签收", |it| {
        number(it.acknowledged_on_time)
    }),
    (
        "acknowledged_on_time_percent",
        "%",
        "签收按时率%",
        |it| share(it.acknowledged_on_time, it.acknowledgements),
    ),
    (
        "acknowledge_median_minutes",
        "median min",
        "签收中位数（分）",
        |it| minutes(it.acknowledge_median_ms),
    ),
    ("disposals", "disposals", "应处置", |it| {
        number(it.disposals)
    }),
    ("disposed_on_time", "in time", "按时处置", |it| {
        number(it.disposed_on_time)
    }),
    ("disposed_on_time_percent", "%", "处置按时率%", |it| {
        share(it.disposed_on_time, it.disposals)
    }),
    (
        "dispose_median_minutes",
        "median min",
        "处置中位数（分）",
        |it| minutes(it.dispose_median_ms),
    ),
    ("pending", "still owed", "未办结", |it| {
        number(it.pending)
    }),
    ("false_alarms", "false alarms", "误报", |it| {
        number(it.false_alarms)
    }),
    ("escalations", "escalations", "升级", |it| {
        number(it.escalations)
    }),
    ("reopenings", "reopenings", "重新打开", |it| {
        number(it.reopenings)
    }),
    ("drills", "drills", "演练", |it| number(it.drills)),
];

fn say(lang: Lang, en: &'static str, zh: &'static str) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}

fn name(names: &Bilingual, lang: Lang) -> &str {
    match lang {
        Lang::Zh if !names.zh.is_empty() => &names.zh,
        _ => &names.en,
    }
}

fn title(part: &Part, lang: Lang) -> &'static str {
    match part.status {
        Status::Actual => say(lang, "Actual incidents", "真实事件"),
        Status::Exercise => say(
            lang,
            "EXERCISES: nothing of this happened",
            "演练：均非真实事件",
        ),
        Status::Test => say(lang, "Tests", "测试"),
    }
}

fn head(month: &Assessment, lang: Lang) -> String {
    let what = say(lang, "Departments in", "部门考核");
    let until = say(lang, "to", "至");
    let open = if month.complete {
        ""
    } else {
        say(lang, "; the month is not over", "；该月尚未结束")
    };
    format!(
        "{what} {} ({}; {} {until} {}{open})",
        month.month, month.time_zone, month.from, month.to
    )
}

fn note(lang: Lang) -> &'static str {
    say(
        lang,
        "An obligation counts in the month in which it began, whenever it was settled. In time: of those that were settled or whose deadline passed.",
        "职责按其开始的月份统计，不论何时了结。按时率的基数是已了结或已逾期的时限。",
    )
}

/// Columns on a terminal: ideographs take two.
pub(super) fn width(text: &str) -> usize {
    text.chars()
        .map(|c| if c >= '\u{2e80}' { 2 } else { 1 })
        .sum()
}

/// For a terminal.
pub(super) fn table(month: &Assessment, lang: Lang) -> String {
    let mut out = format!("{}\n", head(month, lang));
    for part in &month.parts {
        let _ = write!(out, "\n{}\n", title(part, lang));
        let mut lines = vec![vec![say(lang, "department", "部门").to_owned()]];
        lines[0].extend(COLUMNS.iter().map(|it| say(lang, it.1, it.2).to_owned()));
        for (_, names, figures) in &part.departments {
            let mut line = vec![cell(name(names, lang)).into_owned()];
            line.extend(COLUMNS.iter().map(|it| (it.3)(figures)));
            lines.push(line);
        }
        let widest = |at: usize| lines.iter().map(|line| width(&line[at])).max();
        let widths: Vec<usize> = (0..=COLUMNS.len()).filter_map(widest).collect();
        for line in &lines {
            let mut text = String::new();
            for (at, (word, wide)) in line.iter().zip(&widths).enumerate() {
                let blanks = " ".repeat(wide - width(word));
                let _ = match at {
                    0 => write!(text, "{word}{blanks}"),
                    _ => write!(text, "  {blanks}{word}"),
                };
            }
            let _ = writeln!(out, "{}", text.trim_end());
        }
    }
    let _ = write!(out, "\n{}\n", note(lang));
    out
}

/// As CSV (RFC 4180), with a byte order mark so that spreadsheets read Chinese.
pub(super) fn csv(month: &Assessment, lang: Lang) -> Result<String, csv::Error> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let first = ["month", "status", "department", "name"];
    writer.write_record(first.into_iter().chain(COLUMNS.iter().map(|it| it.0)))?;
    for part in &month.parts {
        for (id, names, figures) in &part.departments {
            let mut cells = vec![
                month.month.clone(),
                part.status.id().to_owned(),
                id.to_string(),
                name(names, lang).to_owned(),
            ];
            cells.extend(COLUMNS.iter().map(|it| (it.3)(figures)));
            writer.write_record(cells.iter().map(|it| cell(it).into_owned()))?;
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(format!("\u{feff}{}", String::from_utf8_lossy(&bytes)))
}

/// As a page.
pub(super) fn html_page(month: &Assessment, lang: Lang) -> String {
    let page = html! {
        (DOCTYPE)
        html lang=(lang.id()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (say(lang, "Departments in", "部门考核")) " " (month.month) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (say(lang, "Departments in", "部门考核")) " " (month.month) }
                p.muted { (head(month, lang)) }
                @for part in &month.parts { (section(part, lang)) }
                p.muted { (note(lang)) }
            }
        }
    };
    page.into_string()
}

fn section(part: &Part, lang: Lang) -> Markup {
    html! {
        h2 class=[(part.status != Status::Actual).then_some("banner")] { (title(part, lang)) }
        table {
            thead { tr {
                th scope="col" { (say(lang, "department", "部门")) }
                @for column in &COLUMNS { th scope="col" { (say(lang, column.1, column.2)) } }
            } }
            tbody { @for (_, names, figures) in &part.departments { tr {
                td { (name(names, lang)) }
                @for column in &COLUMNS { td { (column.3(figures)) } }
            } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Assessment {
        let figures = Assessed {
            incidents: 4,
            acknowledgements: 3,
            acknowledged_on_time: 2,
            acknowledge_median_ms: Some(90_000),
            ..Assessed::default()
        };
        let names = Bilingual {
            en: "=1+1<b>".to_owned(),
            zh: "消防救援".to_owned(),
        };
        let part = |status, figures| Part {
            status,
            departments: vec![("fire".into(), names.clone(), figures)],
        };
        Assessment {
            month: "2026-10".to_owned(),
            time_zone: "UTC".to_owned(),
            from: Millis(0),
            to: Millis(1),
            complete: true,
            parts: vec![
                part(Status::Actual, figures),
                part(Status::Exercise, Assessed::default()),
            ],
        }
    }

    #[test]
    fn no_cell_is_a_formula_and_nothing_of_nothing_is_nothing() {
        let text = csv(&sample(), Lang::En).unwrap();
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert!(lines[0].starts_with("\u{feff}month,status,department,name,incidents,led,"));
        let actual = "2026-10,actual,fire,'=1+1<b>,4,0,3,2,66.7,1.5,0,0,,,0,0,0,0,0";
        assert_eq!(lines[1], actual);
        assert!(
            lines[2].starts_with("2026-10,exercise,fire,"),
            "{}",
            lines[2]
        );
    }

    #[test]
    fn a_page_shows_names_as_text_and_exercises_apart() {
        let page = html_page(&sample(), Lang::En);
        assert!(page.contains("=1+1&lt;b&gt;") && !page.contains("<b>"));
        let (actual, exercise) = (page.find("Actual"), page.find("EXERCISES"));
        assert!(actual.is_some() && actual < exercise, "{page}");
        for outside in ["<script", "src=", "href=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn columns_of_a_table_stand_below_each_other_in_chinese_too() {
        let text = table(&sample(), Lang::Zh);
        let lines: Vec<&str> = text.lines().collect();
        let head = lines.iter().find(|line| line.starts_with("部门 ")).unwrap();
        let row = lines
            .iter()
            .find(|line| line.starts_with("消防救援"))
            .unwrap();
        let end =
            |line: &str, word: &str| line.find(word).map(|at| width(&line[..at]) + width(word));
        assert_eq!(end(head, "事件"), end(row, "4"));
    }
}
