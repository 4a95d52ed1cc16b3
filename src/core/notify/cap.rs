//! CAP 1.2 (OASIS Standard, 1 July 2010): the newest message about an incident, and an Atom index (RFC 4287) of such messages.
//!
//! What is told is what counts at the desk: corrected hazard, place and level over the machine's. A closing as false alarm or duplicate,
//! and a withdrawal, is a `Cancel`.
//!
//! Invariant: no text of a report; every `Update` and `Cancel` has references; an exercise has the status Exercise; the same case gives
//! the same bytes. A message refers to those that were handed out before it, and to no other.

use std::fmt::Write as _;

use uuid::Uuid;

use super::clean::line;
use super::kind::named;
use super::text::{Language, escaped};
use crate::core::model::{IncidentState, Millis, MsgType, Status};
use crate::core::obligation::{Case, Disposition};

/// Characters of a headline (CAP 1.2 suggests 160).
const MAX_HEADLINE: usize = 160;
/// Earlier messages that one names, the newest of them.
const MAX_REFERENCES: usize = 20;
/// Score lines that are told.
const MAX_LINES: usize = 40;

/// What stands in every message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapOptions {
    /// `sender`.
    pub sender: String,
    /// `senderName`.
    pub sender_name: String,
    /// `expires`, milliseconds after `sent`.
    pub expires_ms: i64,
    /// Whether everybody may read it.
    pub public: bool,
    /// The address that people open, without a path; empty: addresses begin with `/`.
    pub link: String,
}

/// Head of a message: its identifier, type and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapHead {
    /// `identifier`.
    pub identifier: String,
    /// `msgType`: Alert, Update or Cancel.
    pub msg_type: String,
    /// `sent`.
    pub sent: Millis,
}

/// The head of the newest message about a case whose alert is the newest material revision. `earlier` are the messages about it that were
/// handed out: without any, nothing is updated, and the message is a first one.
pub fn cap_head(case: &Case, earlier: &[CapHead]) -> CapHead {
    let alert = &case.alert;
    let overlays = &case.overlays;
    let marks = [
        overlays.hazard.as_ref().map(|it| it.mark.at),
        overlays.place.as_ref().map(|it| it.mark.at),
        overlays.level.as_ref().map(|it| it.mark.at),
    ];
    let corrected = marks.into_iter().flatten().max();
    let void = matches!(
        case.verdict,
        Some(Disposition::FalseAlarm | Disposition::Duplicate)
    );
    let closed = case.closed_at.filter(|_| void);
    let cancelled = case.cancelled_at.is_some() || alert.msg_type == MsgType::Cancel;
    let mut identifier = alert.alert_id.to_string();
    if let Some(at) = corrected {
        let _ = write!(identifier, ".c{}", at.0);
    }
    if let Some(at) = closed {
        let _ = write!(identifier, ".x{}", at.0);
    }
    let first = earlier.iter().all(|it| it.identifier == identifier);
    let msg_type = if closed.is_some() || cancelled {
        "Cancel"
    } else if !first {
        "Update"
    } else {
        "Alert"
    };
    let times = [Some(alert.sent), corrected, closed];
    CapHead {
        identifier,
        msg_type: msg_type.to_owned(),
        sent: times.into_iter().flatten().max().unwrap_or(alert.sent),
    }
}

/// `2026-01-02T03:04:05-00:00`: CAP has UTC as `-00:00`, and no `Z`.
fn time(at: Millis) -> String {
    let text = at.to_string();
    format!("{}-00:00", text.get(..19).unwrap_or("1970-01-01T00:00:00"))
}

fn status_word(status: Status) -> &'static str {
    match status {
        Status::Actual => "Actual",
        Status::Exercise => "Exercise",
        Status::Test => "Test",
    }
}

fn put(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, "<{name}>{}</{name}>", escaped(value));
}

fn pair(out: &mut String, element: &str, name: &str, value: &str) {
    let _ = write!(out, "<{element}>");
    put(out, "valueName", name);
    put(out, "value", value);
    let _ = write!(out, "</{element}>");
}

/// The newest message about a case whose alert is the newest material revision; `earlier` are those that were handed out, newest first.
pub fn cap_xml(case: &Case, earlier: &[CapHead], options: &CapOptions) -> String {
    let (head, alert) = (cap_head(case, earlier), &case.alert);
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">",
    );
    put(&mut out, "identifier", &head.identifier);
    put(&mut out, "sender", &options.sender);
    put(&mut out, "sent", &time(head.sent));
    put(&mut out, "status", status_word(case.status()));
    put(&mut out, "msgType", &head.msg_type);
    if options.public {
        put(&mut out, "scope", "Public");
    } else {
        put(&mut out, "scope", "Restricted");
        put(&mut out, "restriction", "Departments of the joint meeting");
    }
    if let Some(exercise) = &alert.exercise {
        put(&mut out, "note", &format!("Exercise {exercise}"));
    }
    if head.msg_type != "Alert" {
        put(&mut out, "references", &references(&head, earlier, options));
    }
    put(&mut out, "incidents", &case.incident.to_string());
    for language in [Language::En, Language::Zh] {
        info(&mut out, case, &head, language, options);
    }
    out.push_str("</alert>\n");
    out
}

/// `sender,identifier,sent` of what this message replaces: all that was handed out, or, when a reader never heard of what is cancelled,
/// the message itself, as there has to be one.
fn references(head: &CapHead, earlier: &[CapHead], options: &CapOptions) -> String {
    let before = earlier.iter().filter(|it| it.identifier != head.identifier);
    let mut all: Vec<&CapHead> = before.take(MAX_REFERENCES).collect();
    if all.is_empty() {
        all.push(head);
    }
    let one = |it: &&CapHead| format!("{},{},{}", options.sender, it.identifier, time(it.sent));
    all.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn info(out: &mut String, case: &Case, head: &CapHead, language: Language, options: &CapOptions) {
    let (alert, hazard, place) = (&case.alert, case.hazard(), case.place());
    let pick = |en: &str, zh: &str| match language {
        Language::En => en.to_owned(),
        Language::Zh => zh.to_owned(),
    };
    out.push_str("<info>");
    put(out, "language", &pick("en-US", "zh-CN"));
    put(out, "category", &format!("{:?}", hazard.category()));
    put(out, "event", &pick(hazard.en(), hazard.zh()));
    put(out, "urgency", &format!("{:?}", alert.urgency));
    put(out, "severity", case.level().cap_severity());
    put(out, "certainty", &format!("{:?}", alert.certainty_class));
    pair(out, "eventCode", "tocsin", hazard.id());
    put(out, "effective", &time(head.sent));
    put(out, "onset", &time(alert.first_seen));
    put(out, "expires", &time(head.sent.plus(options.expires_ms)));
    put(out, "senderName", &options.sender_name);
    let headline = pick(&alert.headline.en, &alert.headline.zh);
    let headline: String = line(&headline).chars().take(MAX_HEADLINE).collect();
    put(out, "headline", &headline);
    let why: Vec<String> = alert
        .reasons
        .iter()
        .take(MAX_LINES)
        .map(|it| {
            let zh = it.because_zh.as_deref().unwrap_or(&it.because);
            format!("{:+} {}", it.points, pick(&it.because, zh))
        })
        .collect();
    put(out, "description", &why.join("; "));
    if !options.link.is_empty() {
        put(
            out,
            "web",
            &format!("{}/incidents/{}", options.link, case.incident),
        );
    }
    pair(out, "parameter", "tocsin:level", case.level().id());
    pair(out, "parameter", "tocsin:score", &alert.score.to_string());
    pair(out, "parameter", "tocsin:state", case.state.id());
    let quiet = alert.state == IncidentState::Resolved;
    pair(
        out,
        "parameter",
        "tocsin:activity",
        if quiet { "resolved" } else { "active" },
    );
    out.push_str("<area>");
    let zh = place.name_zh.as_deref().unwrap_or(&place.name);
    put(out, "areaDesc", &pick(&place.name, zh));
    if let Some(at) = &place.coordinates {
        put(out, "circle", &format!("{},{} 0", at.lat, at.lon));
    }
    if !place.is_none() {
        pair(out, "geocode", "tocsin", &place.code);
    }
    out.push_str("</area></info>");
}

/// Address of a message, where it stays.
fn address(case: &Case, head: &CapHead, options: &CapOptions) -> String {
    let exercise = match case.status() {
        Status::Actual => String::new(),
        status => format!("?status={}", status.id()),
    };
    let (link, incident, identifier) = (&options.link, case.incident, &head.identifier);
    format!("{link}/cap/{incident}/{identifier}.xml{exercise}")
}

/// An Atom index of the newest message about each case, in their order.
pub fn cap_index(cases: &[(Case, CapHead)], status: Status, options: &CapOptions) -> String {
    let newest = cases.iter().map(|(_, head)| head.sent).max();
    let id = named(&format!("cap/{}/{}", options.sender, status.id()));
    let link = &options.link;
    let mark = match status {
        Status::Actual => "",
        Status::Exercise => "EXERCISE 【演练】 ",
        Status::Test => "TEST 【测试】 ",
    };
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">",
    );
    put(&mut out, "id", &id.urn().to_string());
    put(&mut out, "title", &format!("{mark}{}", options.sender_name));
    put(&mut out, "updated", &atom_time(newest.unwrap_or(Millis(0))));
    let query = match status {
        Status::Actual => String::new(),
        status => format!("?status={}", status.id()),
    };
    let _ = write!(
        out,
        "<link rel=\"self\" href=\"{}\"/>",
        escaped(&format!("{link}/cap{query}"))
    );
    out.push_str("<author>");
    put(&mut out, "name", &options.sender_name);
    out.push_str("</author>");
    for (case, head) in cases {
        entry(&mut out, case, head, options);
    }
    out.push_str("</feed>\n");
    out
}

fn entry(out: &mut String, case: &Case, head: &CapHead, options: &CapOptions) {
    let id: Uuid = named(&format!("cap/{}/{}", options.sender, head.identifier));
    out.push_str("<entry>");
    put(out, "id", &id.urn().to_string());
    let title = &case.alert.headline;
    put(out, "title", &format!("{} · {}", title.en, title.zh));
    put(out, "updated", &atom_time(head.sent));
    let _ = write!(
        out,
        "<link rel=\"alternate\" type=\"application/cap+xml\" href=\"{}\"/>",
        escaped(&address(case, head, options))
    );
    for (scheme, term) in [
        ("urn:tocsin:msgType", head.msg_type.as_str()),
        ("urn:tocsin:level", case.level().id()),
        ("urn:tocsin:hazard", case.hazard().id()),
    ] {
        let _ = write!(out, "<category scheme=\"{scheme}\" term=\"{term}\"/>");
    }
    let summary = format!("{} {}", case.level().cap_severity(), head.msg_type);
    put(out, "summary", &summary);
    out.push_str("</entry>");
}

/// RFC 3339 without fractions.
fn atom_time(at: Millis) -> String {
    let text = at.to_string();
    format!("{}Z", text.get(..19).unwrap_or("1970-01-01T00:00:00"))
}
