//! CAP 1.1 and 1.2 (OASIS Common Alerting Protocol), alone, in Atom entries and in EDXL-DE.
//!
//! Invariants: `sender` and `contact` are never read, because they name who is on duty. A warning that lacks something
//! its reader can do without (scope, urgency, a readable polygon) is read; one without identity, time or text is not.

use super::decoder::Decoder;
use super::finish::{add_field, status};
use super::geometry::{centroid, pairs};
use super::html::plain;
use super::times;
use super::xml::Element;
use crate::core::model::{Coordinates, Fields, Millis, Refusal, RefusalCode, Report, Value};

/// Infos of one alert that are read: languages and areas, far fewer in practice.
const MAX_INFOS: usize = 64;

type Read<T> = Result<T, Refusal>;

/// From the least to the most severe, as CAP has it.
const SEVERITIES: [&str; 4] = ["Minor", "Moderate", "Severe", "Extreme"];

/// The alerts of a document: one, or those of an Atom feed or an EDXL distribution.
pub(super) fn items<'e, 'a>(root: &'e Element<'a>) -> Read<Vec<&'e Element<'a>>> {
    match root.name.as_str() {
        "alert" => Ok(vec![root]),
        "feed" => {
            let entries: Vec<_> = root.all("entry").collect();
            in_entries(&entries)
        }
        "entry" => in_entries(&[root]),
        "EDXLDistribution" => in_edxl(root),
        _ => Err(Refusal::decode(
            RefusalCode::WrongFormat,
            "the root element is neither a CAP alert nor Atom nor EDXL",
        )
        .at(0)),
    }
}

fn in_entries<'e, 'a>(entries: &[&'e Element<'a>]) -> Read<Vec<&'e Element<'a>>> {
    let alerts: Vec<_> = entries.iter().filter_map(|entry| alert_of(entry)).collect();
    if alerts.is_empty() && !entries.is_empty() {
        return Err(Refusal::decode(
            RefusalCode::Unsupported,
            "the Atom feed is an index without alerts inside: read it with the decoder `rss`, or fetch the alerts",
        ));
    }
    Ok(alerts)
}

/// The alert inside an Atom entry's content.
pub(super) fn alert_of<'e, 'a>(entry: &'e Element<'a>) -> Option<&'e Element<'a>> {
    entry.child("content")?.child("alert")
}

fn in_edxl<'e, 'a>(root: &'e Element<'a>) -> Read<Vec<&'e Element<'a>>> {
    let contents: Vec<_> = root.all("contentObject").collect();
    let alerts: Vec<_> = contents
        .iter()
        .filter_map(|content| {
            content
                .child("xmlContent")?
                .child("embeddedXMLContent")?
                .child("alert")
        })
        .collect();
    if alerts.is_empty() && !contents.is_empty() {
        return Err(Refusal::decode(
            RefusalCode::Unsupported,
            "the EDXL distribution carries something other than CAP",
        ));
    }
    Ok(alerts)
}

/// Reads the one alert of a record.
pub(super) fn one<'r>(decoder: &Decoder, root: &Element<'_>) -> Read<Report<'r>> {
    read(decoder, super::decoder::only(&items(root)?)?)
}

/// Reads one alert; unmasked.
pub(super) fn read<'r>(decoder: &Decoder, alert: &Element<'_>) -> Read<Report<'r>> {
    if !alert.namespace.is_empty() && !alert.namespace.contains("emergency:cap:1.") {
        return Err(Refusal::decode(
            RefusalCode::Unsupported,
            "the alert is of a CAP version other than 1.1 and 1.2",
        ));
    }
    let own = identifier(alert)?;
    let sent = required(alert, "sent")?;
    let observed = time(decoder, sent)?;
    let message = alert.text_of("msgType").unwrap_or("Alert");
    let withdrawn = match message {
        "Alert" | "Update" => false,
        "Cancel" => true,
        "Ack" | "Error" => {
            return Err(Refusal::decode(
                RefusalCode::Unsupported,
                "`msgType` Ack and Error report nothing to the public",
            ));
        }
        _ => {
            return Err(Refusal::decode(
                RefusalCode::BadValue,
                "`msgType` is none of Alert, Update, Cancel, Ack, Error",
            ));
        }
    };
    let first = if message == "Alert" {
        None
    } else {
        earliest_reference(decoder, alert)
    };
    let mut report = Report {
        id: first.unwrap_or(own).into(),
        observed: Some(observed),
        status: label(decoder, alert)?,
        withdrawn,
        revised: message == "Update",
        ..Report::default()
    };
    infos(alert, &mut report);
    if withdrawn && report.title.is_empty() && report.text.is_empty() {
        report.title = "cancelled".into();
    }
    Ok(report)
}

fn required<'e>(element: &'e Element<'_>, name: &str) -> Read<&'e str> {
    element.text_of(name).ok_or_else(|| {
        Refusal::decode(
            RefusalCode::MissingField,
            format!("the alert has no `{name}`"),
        )
    })
}

/// CAP 1.2, 3.2.1: no spaces, commas, `<` or `&`, without which references could not be told apart.
fn identifier(alert: &Element<'_>) -> Read<String> {
    let id = required(alert, "identifier")?;
    if id.contains(|c: char| c.is_whitespace() || matches!(c, ',' | '<' | '&')) {
        return Err(Refusal::decode(
            RefusalCode::BadValue,
            "`identifier` has a space, a comma, `<` or `&` in it",
        ));
    }
    Ok(id.to_owned())
}

fn time(decoder: &Decoder, text: &str) -> Read<Millis> {
    times::parse(text, &decoder.zone).ok_or_else(|| {
        Refusal::decode(
            RefusalCode::BadTime,
            "`sent` is not a time that can be read",
        )
    })
}

/// Identifier of the first message of the chain: all later ones speak of the same report.
fn earliest_reference(decoder: &Decoder, alert: &Element<'_>) -> Option<String> {
    let references = alert.text_of("references")?.split_whitespace();
    references
        .filter_map(|reference| {
            let mut parts = reference.splitn(3, ',');
            let (_sender, id, sent) = (parts.next()?, parts.next()?, parts.next()?);
            (!id.is_empty()).then_some((times::parse(sent, &decoder.zone)?, id))
        })
        .min()
        .map(|(_, id)| id.to_owned())
}

fn label(decoder: &Decoder, alert: &Element<'_>) -> Read<crate::core::model::Status> {
    let label = alert.text_of("status").unwrap_or_default();
    if decoder.feed.trust_status && matches!(label, "System" | "Draft") {
        return Err(Refusal::decode(
            RefusalCode::Unsupported,
            "`status` System and Draft are not for the public",
        ));
    }
    if decoder.feed.trust_status && label.is_empty() {
        return Err(Refusal::decode(
            RefusalCode::MissingField,
            "the alert has no `status`, and this feed's status is trusted",
        ));
    }
    status(&decoder.feed, label)
}

/// The most severe info leads; what the others say besides is appended.
fn infos(alert: &Element<'_>, report: &mut Report<'_>) {
    let mut infos: Vec<_> = alert.all("info").take(MAX_INFOS).collect();
    let rank = |info: &Element<'_>| {
        SEVERITIES
            .iter()
            .position(|known| info.text_of("severity") == Some(known))
            .map_or(0, |index| index + 1)
    };
    // Stable: infos of equal severity keep the sender's order.
    infos.sort_by_key(|info| std::cmp::Reverse(rank(info)));
    let mut paragraphs: Vec<String> = Vec::new();
    for info in &infos {
        for name in ["headline", "event", "description", "instruction"] {
            let Some(text) = info
                .text_of(name)
                .filter(|text| !says_nothing(text))
                .map(plain)
            else {
                continue;
            };
            let said = |paragraph: &String| paragraph.contains(&*text);
            if report.title.is_empty() && matches!(name, "headline" | "event") {
                report.title = text.clone().into_owned().into();
            } else if !report.title.contains(&*text) && !paragraphs.iter().any(said) {
                paragraphs.push(text.into_owned());
            }
        }
    }
    report.text = paragraphs.join("\n").into();
    let Some(info) = infos.first() else { return };
    report.lang = info.text_of("language").map(|tag| tag.to_owned().into());
    report.link = info.text_of("web").map(|link| link.to_owned().into());
    report.publisher = info
        .text_of("senderName")
        .filter(|name| !name.contains('@'))
        .map(|name| name.to_owned().into());
    for name in [
        "event",
        "category",
        "urgency",
        "severity",
        "certainty",
        "responseType",
    ] {
        add(
            &mut report.fields,
            format!("cap.{}", name.to_ascii_lowercase()),
            info.text_of(name),
        );
    }
    parameters(info, &mut report.fields);
    let areas: Vec<_> = infos.iter().flat_map(|info| info.all("area")).collect();
    place(&areas, report);
}

/// What senders put where the schema of their tool wants something.
fn says_nothing(text: &str) -> bool {
    ["none", "n/a", "not applicable"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

fn add(fields: &mut Fields<'_>, name: String, text: Option<&str>) {
    if let Some(text) = text {
        add_field(fields, name, Value::Text(text.to_owned().into()));
    }
}

/// Parameters and event codes as `cap.parameter.<name>` and `cap.code.<name>`; measured magnitude and depth as numbers.
fn parameters(info: &Element<'_>, fields: &mut Fields<'_>) {
    for (element, prefix) in [("eventCode", "cap.code"), ("parameter", "cap.parameter")] {
        for pair in info.all(element) {
            let (Some(name), Some(value)) = (pair.text_of("valueName"), pair.text_of("value"))
            else {
                continue;
            };
            match name {
                "Magnitude" | "EventPreliminaryMagnitude" => measured(fields, "magnitude", value),
                "Depth" | "EventDepth" => measured(fields, "depth_km", value),
                _ => {}
            }
            add(fields, format!("{prefix}.{name}"), Some(value));
        }
    }
}

/// `6.3`, `3.4 Ml`, `38.7 km (24.0 miles)`, `11.8 mi.`.
fn measured(fields: &mut Fields<'_>, name: &'static str, text: &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+'))
        .unwrap_or(text.len());
    let Ok(number) = text[..end].parse::<f64>() else {
        return;
    };
    let miles = text[end..].trim_start().starts_with("mi");
    // International mile, exactly 1.609344 km.
    let value = if miles { number * 1.609_344 } else { number };
    if value.is_finite() {
        add_field(fields, name, Value::Float(value));
    }
}

/// Names of all areas, the middle of the first that has one, codes as `cap.geocode.<name>`.
pub(super) fn place(areas: &[&Element<'_>], report: &mut Report<'_>) {
    let mut names: Vec<&str> = areas
        .iter()
        .filter_map(|area| area.text_of("areaDesc"))
        .collect();
    names.dedup();
    if !names.is_empty() {
        report.place_name = Some(names.join("; ").into());
    }
    report.coordinates = areas.iter().find_map(|area| middle(area));
    for area in areas {
        for code in area.all("geocode") {
            let (Some(name), value) = (code.text_of("valueName"), code.text_of("value")) else {
                continue;
            };
            let name = format!("cap.geocode.{name}");
            // The first code of a scheme is the one of the first area.
            if report.field(&name).is_none() {
                add(&mut report.fields, name, value);
            }
        }
    }
}

/// Middle of the area's first readable polygon, else of its circle.
fn middle(area: &Element<'_>) -> Option<Coordinates> {
    let polygon = area
        .all("polygon")
        .find_map(|polygon| centroid(&pairs(&polygon.text)));
    polygon.or_else(|| {
        area.all("circle")
            .find_map(|circle| centroid(&pairs(&circle.text)))
    })
}
