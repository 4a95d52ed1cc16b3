//! The words of a message: a subject of one line, a plain text and the same as simple HTML.
//!
//! Invariant: the subject has no line break or control character; everything in the HTML is escaped; the mark of an exercise comes
//! first in both.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::clean::line;
use super::kind::Notice;
use super::words::{
    Labels, deadline_word, kind_word, labels, level_word, office_word, status_mark,
};
use crate::core::model::{Bilingual, Millis, Status};

/// Characters of a subject.
const MAX_SUBJECT: usize = 180;
/// Notices written out in one message; of more, how many.
pub(super) const MAX_WRITTEN: usize = 100;

/// Language of texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Language {
    En,
    #[default]
    Zh,
}

/// A mail's words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct MailText {
    pub subject: String,
    pub plain: String,
    pub html: String,
}

/// One line of a notice: label and value.
type Line = (&'static str, String);

/// The words of one message. `link` is the address that people open, without a path; none: no links. Times are by `zone`.
pub fn mail_text(
    notices: &[Notice],
    language: Language,
    link: Option<&str>,
    zone: &TimeZone,
) -> MailText {
    let labels = labels(language);
    let subject = subject(notices, language, labels);
    let exercise = notices.iter().any(|it| it.status != Status::Actual);
    let (mut plain, mut html) = (String::new(), String::new());
    html.push_str("<!DOCTYPE html><html><body>");
    if exercise {
        let _ = write!(plain, "{}\n\n", labels.exercise);
        let _ = write!(html, "<p><strong>{}</strong></p>", escaped(labels.exercise));
    }
    for notice in notices.iter().take(MAX_WRITTEN) {
        let title = title(notice, language);
        let lines = lines(notice, language, labels, zone);
        let _ = writeln!(plain, "{title}");
        let _ = write!(html, "<h3>{}</h3><table>", escaped(&title));
        for (label, value) in &lines {
            let _ = writeln!(plain, "{label}: {value}");
            let (label, value) = (escaped(label), escaped(value));
            let _ = write!(html, "<tr><td>{label}</td><td>{value}</td></tr>");
        }
        html.push_str("</table>");
        for (at, excerpt) in notice.excerpts.iter().enumerate() {
            if at == 0 {
                let _ = writeln!(plain, "{}:", labels.quoted);
                let _ = write!(html, "<p>{}:</p>", escaped(labels.quoted));
            }
            let _ = writeln!(plain, "> {}", line(excerpt));
            let _ = write!(html, "<blockquote>{}</blockquote>", escaped(excerpt));
        }
        if let Some(link) = link {
            let address = format!(
                "{}/incidents/{}",
                link.trim_end_matches('/'),
                notice.incident
            );
            let _ = writeln!(plain, "{}: {address}", labels.open);
            let (address, open) = (escaped(&address), labels.open);
            let _ = write!(html, "<p><a href=\"{address}\">{open}</a></p>");
        }
        plain.push('\n');
    }
    if notices.len() > MAX_WRITTEN {
        let more = format!("+ {} {}", notices.len() - MAX_WRITTEN, labels.notices);
        let _ = writeln!(plain, "{more}\n");
        let _ = write!(html, "<p>{}</p>", escaped(&more));
    }
    let _ = writeln!(plain, "-- \n{}", labels.foot);
    let _ = write!(html, "<hr><p>{}</p></body></html>", escaped(labels.foot));
    MailText {
        subject,
        plain,
        html,
    }
}

fn subject(notices: &[Notice], language: Language, labels: &Labels) -> String {
    let text = match notices {
        [] => String::new(),
        [one] => title(one, language),
        all => {
            let highest = all.iter().max_by_key(|it| (it.level, it.kind.is_urgent()));
            let highest = highest.map_or_else(String::new, |it| title(it, language));
            format!("{highest} (+{} {})", all.len() - 1, labels.notices)
        }
    };
    let text: String = line(&text).chars().take(MAX_SUBJECT).collect();
    format!("[Tocsin] {text}")
}

/// `【演练】红色 · 新任务: 浦东新区火灾`.
fn title(notice: &Notice, language: Language) -> String {
    let mark = status_mark(notice.status, language);
    let (level, kind) = (
        level_word(notice.level, language),
        kind_word(notice.kind, language),
    );
    let headline = of(&notice.headline, language);
    line(&format!("{mark}{level} · {kind}: {headline}")).into_owned()
}

fn of(text: &Bilingual, language: Language) -> &str {
    match language {
        Language::En => &text.en,
        Language::Zh => &text.zh,
    }
}

fn time(at: Millis, zone: &TimeZone) -> String {
    let Ok(stamp) = jiff::Timestamp::from_millisecond(at.clamped().0) else {
        return at.to_string();
    };
    let there = zone.to_datetime(stamp).strftime("%Y-%m-%d %H:%M");
    format!("{there} {}", zone.iana_name().unwrap_or("UTC"))
}

fn lines(notice: &Notice, language: Language, labels: &Labels, zone: &TimeZone) -> Vec<Line> {
    let mut all: Vec<Line> = Vec::new();
    let office = notice.office.map(|office| office_word(office, language));
    let department = match office {
        Some(office) => format!("{} · {office}", notice.department),
        None => notice.department.to_string(),
    };
    all.push((labels.department, department));
    let level = level_word(notice.level, language);
    let level = match notice.level_before {
        Some(before) => format!("{} → {level}", level_word(before, language)),
        None => level.to_owned(),
    };
    all.push((labels.level, format!("{level} ({})", notice.score)));
    let hazard = match language {
        Language::En => notice.hazard.en(),
        Language::Zh => notice.hazard.zh(),
    };
    all.push((labels.hazard, hazard.to_owned()));
    if !notice.place.is_none() {
        let zh = notice.place.name_zh.as_ref();
        let name = match (language, zh) {
            (Language::Zh, Some(name)) => name,
            _ => &notice.place.name,
        };
        all.push((labels.place, name.to_string()));
    }
    all.push((labels.why, of(&notice.why, language).to_owned()));
    let counts = format!("{} / {}", notice.reports, notice.sources);
    all.push((labels.reports, counts));
    if let Some(deadline) = notice.deadline {
        all.push((labels.missed, deadline_word(deadline, language).to_owned()));
    }
    if let Some(by) = notice.acknowledge_by {
        all.push((labels.acknowledge_by, time(by, zone)));
    }
    if let Some(by) = notice.dispose_by {
        all.push((labels.dispose_by, time(by, zone)));
    }
    for (_, value) in &mut all {
        *value = line(value).into_owned();
    }
    all
}

/// Text between tags or in a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
