//! The joint meeting's agenda as a file: Markdown to print and send, CSV for a spreadsheet.
//!
//! Invariant: what came from a feed is text in both, and nothing else: no formula, link or markup.

use std::fmt::Write as _;

use crate::core::model::{Bilingual, Duty, Level, Millis, Status};
use crate::core::obligation::{BoardRow, RowObligation};
use crate::core::route::Routing;

use super::page::Language;
use super::text;

/// The title that people see.
fn headline(headline: &Bilingual, language: Language) -> &str {
    match language {
        Language::Zh if !headline.zh.is_empty() => &headline.zh,
        _ => &headline.en,
    }
}

fn place(row: &BoardRow, language: Language) -> &str {
    match (language, &row.place.name_zh) {
        (Language::Zh, Some(name)) => name,
        _ => &row.place.name,
    }
}

/// `fire (lead): in_progress, dispose by …`
fn duty(it: &RowObligation) -> String {
    let mut out = format!("{} ({:?}): {}", it.department, it.duty, it.state.id()).to_lowercase();
    if it.state.is_pending() {
        let (what, until) = if it.state.id() == "open" {
            ("acknowledge by", it.acknowledge_by)
        } else {
            ("dispose by", it.dispose_by)
        };
        let _ = write!(out, ", {what} {until}");
    }
    if it.acknowledge_missed || it.dispose_missed {
        out.push_str(", missed");
    }
    out
}

fn say(language: Language, en: &'static str, zh: &'static str) -> &'static str {
    match language {
        Language::En => en,
        Language::Zh => zh,
    }
}

fn status(row: &BoardRow, language: Language) -> &'static str {
    match row.status {
        Status::Actual => "",
        Status::Exercise => say(language, "EXERCISE ", "演练 "),
        Status::Test => say(language, "TEST ", "测试 "),
    }
}

fn level(level: Level, language: Language) -> &'static str {
    let (en, zh) = match level {
        Level::Blue => ("BLUE", "蓝色"),
        Level::Yellow => ("YELLOW", "黄色"),
        Level::Orange => ("ORANGE", "橙色"),
        Level::Red => ("RED", "红色"),
    };
    say(language, en, zh)
}

/// The state of a case or of an obligation, as people say it.
fn state(id: &'static str, language: Language) -> String {
    let zh = match id {
        "new" | "open" => "待确认",
        "acknowledged" => "已确认",
        "in_progress" => "处置中",
        "disposed" => "已处置",
        "waived" => "已免除",
        "transferred" => "已移交",
        "released" => "已解除",
        "closed" => "已结",
        _ => id,
    };
    match language {
        Language::En => id.replace('_', " "),
        Language::Zh => zh.to_owned(),
    }
}

/// `Fire and rescue (lead): in progress, dispose by …`
fn duty_line(it: &RowObligation, language: Language, routing: &Routing) -> String {
    let names = routing.get(&it.department).map(|it| &it.names);
    let name = names.map_or(&*it.department, |names| headline(names, language));
    let part = match it.duty {
        Duty::Lead => say(language, "lead", "牵头"),
        Duty::Support => say(language, "support", "协同"),
    };
    let mut out = format!("{name} ({part}): {}", state(it.state.id(), language));
    if it.state.is_pending() {
        let (what, until) = if it.state.id() == "open" {
            (
                say(language, "acknowledge by", "确认时限"),
                it.acknowledge_by,
            )
        } else {
            (say(language, "dispose by", "处置时限"), it.dispose_by)
        };
        let _ = write!(out, ", {what} {until}");
    }
    if it.acknowledge_missed || it.dispose_missed {
        let _ = write!(out, ", {}", say(language, "missed", "逾期"));
    }
    out
}

/// Columns of the CSV file.
pub const COLUMNS: [&str; 14] = [
    "number",
    "status",
    "level",
    "score",
    "headline",
    "hazard",
    "place",
    "state",
    "reports",
    "sources",
    "opened_at",
    "next_deadline",
    "obligations",
    "incident",
];

/// As CSV (RFC 4180), with a byte order mark so that spreadsheets read Chinese.
pub fn csv(rows: &[BoardRow], language: Language) -> Result<String, csv::Error> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for (at, row) in rows.iter().enumerate() {
        let due = row.due.map_or_else(String::new, |due| due.to_string());
        let duties: Vec<String> = row.obligations.iter().map(duty).collect();
        let cells = [
            (at + 1).to_string(),
            row.status.id().to_owned(),
            row.level.id().to_owned(),
            row.score.to_string(),
            headline(&row.headline, language).to_owned(),
            row.hazard.id().to_owned(),
            place(row, language).to_owned(),
            row.state.id().to_owned(),
            row.counts.reports.to_string(),
            row.counts.sources.to_string(),
            row.opened_at.to_string(),
            due,
            duties.join("; "),
            row.incident.to_string(),
        ];
        writer.write_record(cells.iter().map(|cell| text::cell(cell).into_owned()))?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(format!("\u{feff}{}", String::from_utf8_lossy(&bytes)))
}

/// As Markdown (CommonMark), in words; `routing` names the departments.
pub fn markdown(rows: &[BoardRow], language: Language, now: Millis, routing: &Routing) -> String {
    let say = |en: &'static str, zh: &'static str| say(language, en, zh);
    let mut out = format!(
        "# {}\n\n{}: {now}\n\n",
        say("Joint meeting: agenda", "联席会议议程"),
        say("As of", "截至")
    );
    if rows.is_empty() {
        let _ = writeln!(out, "{}", say("Nothing is on the agenda.", "议程为空。"));
    }
    for (at, row) in rows.iter().enumerate() {
        let _ = write!(
            out,
            "## {}\\. {}{} {} — {}\n\n",
            at + 1,
            status(row, language),
            level(row.level, language),
            row.score,
            text::markdown(headline(&row.headline, language))
        );
        let facts = [
            (
                say("Hazard", "灾种"),
                say(row.hazard.en(), row.hazard.zh()).to_owned(),
            ),
            (say("Place", "地点"), place(row, language).to_owned()),
            (say("State", "状态"), state(row.state.id(), language)),
            (
                say("Reports, sources", "报告、来源"),
                format!("{}, {}", row.counts.reports, row.counts.sources),
            ),
            (say("Opened", "开始"), row.opened_at.to_string()),
            (say("Incident", "事件"), row.incident.to_string()),
        ];
        for (name, value) in facts {
            let _ = writeln!(out, "- {name}: {}", text::markdown(&value));
        }
        for it in &row.obligations {
            let _ = writeln!(
                out,
                "- {}: {}",
                say("Obligation", "职责"),
                text::markdown(&duty_line(it, language, routing))
            );
        }
        out.push('\n');
    }
    out
}
