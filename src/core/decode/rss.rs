//! RSS 0.9x, 1.0 and 2.0 items and Atom entries, with the extensions of GDACS, GeoRSS and W3C Geo.
//!
//! Invariant: `author`, `dc:creator`, `media:credit`, `managingEditor` and their like are never read. The publisher is the
//! channel's or the item's source's title: an organisation.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::decoder::Decoder;
use super::finish::add_field;
use super::geometry::{centroid, numbers};
use super::html::plain;
use super::xml::Element;
use super::{cap, times};
use crate::core::model::{Coordinates, Fields, Millis, Refusal, RefusalCode, Report, Value};

type Read<T> = Result<T, Refusal>;

/// The items of a document.
pub(super) fn items<'e, 'a>(root: &'e Element<'a>) -> Read<Vec<&'e Element<'a>>> {
    match root.name.as_str() {
        "rss" => match root.child("channel") {
            Some(channel) => Ok(channel.all("item").collect()),
            None => Err(Refusal::decode(
                RefusalCode::MissingField,
                "the RSS has no `channel`",
            )),
        },
        "RDF" => Ok(root.all("item").collect()),
        "feed" => Ok(root.all("entry").collect()),
        "item" | "entry" => Ok(vec![root]),
        _ => Err(Refusal::decode(
            RefusalCode::WrongFormat,
            "the root element is neither RSS nor Atom",
        )
        .at(0)),
    }
}

/// What a document says for all of its items; looked up once, since a channel may have a hundred thousand of them.
pub(super) struct Channel<'e> {
    /// An Atom feed's, or an RSS channel's.
    title: Option<&'e str>,
    language: Option<&'e str>,
}

impl<'e> Channel<'e> {
    /// Of a document.
    pub(super) fn of(root: &'e Element<'_>) -> Self {
        let channel = root.child("channel");
        let text = |name| channel.and_then(|channel| channel.text_of(name));
        let feed = || root.text_of("title").filter(|_| root.name == "feed");
        Self {
            title: text("title").or_else(feed),
            language: root.attribute("lang").or_else(|| text("language")),
        }
    }
}

/// Reads one item of a document; unmasked.
pub(super) fn read<'r>(
    decoder: &Decoder,
    channel: &Channel<'_>,
    item: &Element<'_>,
) -> Read<Report<'r>> {
    if let Some(alert) = cap::alert_of(item) {
        return cap::read(decoder, alert);
    }
    let title = item
        .text_of("title")
        .map(|text| plain(text).into_owned())
        .unwrap_or_default();
    let body = ["description", "summary", "encoded", "content"]
        .iter()
        .find_map(|name| words(item.child(name)?));
    let link = link(item);
    let stamp = ["pubDate", "published", "updated", "date", "issued"]
        .iter()
        .find_map(|name| item.text_of(name));
    let mut report = Report {
        id: identifier(item, link, &title, stamp)?.into(),
        observed: stamp.map(|text| time(decoder, text)).transpose()?,
        text: body.unwrap_or_default().into(),
        title: title.into(),
        lang: language(channel, item).map(|tag| tag.to_owned().into()),
        link: link.map(|link| link.to_owned().into()),
        publisher: publisher(channel, item).map(|name| name.to_owned().into()),
        ..Report::default()
    };
    for category in item.all("category").take(8) {
        // The last wins: one field, not a list.
        let term = category.words().or_else(|| category.attribute("term"));
        add(&mut report.fields, Cow::Borrowed("category"), term);
    }
    gdacs(item, &mut report);
    if item
        .children
        .iter()
        .any(|child| child.namespace.contains("emergency:cap:1."))
    {
        index_entry(item, &mut report);
    }
    report.coordinates = point(item).or(report.coordinates);
    Ok(report)
}

/// Text of an element, with markup inside it flattened (Atom's `type="xhtml"`).
fn words(element: &Element<'_>) -> Option<String> {
    let mut text = element.text.trim().to_owned();
    if text.is_empty() {
        let mut open: Vec<&Element<'_>> = element.children.iter().rev().collect();
        while let Some(next) = open.pop() {
            text.push_str(&next.text);
            text.push(' ');
            open.extend(next.children.iter().rev());
        }
    }
    let text = plain(&text).into_owned();
    (!text.is_empty()).then_some(text)
}

/// `link` as RSS has it, or Atom's alternate.
fn link<'e>(item: &'e Element<'_>) -> Option<&'e str> {
    let alternate = |link: &&Element<'_>| matches!(link.attribute("rel"), None | Some("alternate"));
    let links = item.all("link");
    links
        .filter(alternate)
        .find_map(|link| link.words().or_else(|| link.attribute("href")))
}

/// `guid` or `id`; RSS asks for neither, so its link stands in, or else what it says.
fn identifier(
    item: &Element<'_>,
    link: Option<&str>,
    title: &str,
    stamp: Option<&str>,
) -> Read<String> {
    let stated = item
        .text_of("guid")
        .or_else(|| item.text_of("id"))
        .or_else(|| item.attribute("about"));
    if let Some(id) = stated.or(link) {
        return Ok(id.to_owned());
    }
    if item.name == "entry" || title.is_empty() {
        let name = if item.name == "entry" { "id" } else { "guid" };
        return Err(Refusal::decode(
            RefusalCode::MissingField,
            format!("the item has no `{name}`, link or title"),
        ));
    }
    let digest = Sha256::digest(format!("{title}\n{}", stamp.unwrap_or_default()));
    let letters = digest
        .iter()
        .take(12)
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| (b'a' + nibble) as char);
    Ok("item-".chars().chain(letters).collect())
}

fn time(decoder: &Decoder, text: &str) -> Read<Millis> {
    times::parse(text, &decoder.zone).ok_or_else(|| {
        Refusal::decode(
            RefusalCode::BadTime,
            "the item's date is in no form that can be read",
        )
    })
}

fn language<'e>(channel: &Channel<'e>, item: &'e Element<'_>) -> Option<&'e str> {
    item.attribute("lang")
        .or_else(|| item.text_of("language"))
        .or(channel.language)
}

/// Title of the item's source, else of the channel it came in.
fn publisher<'e>(channel: &Channel<'e>, item: &'e Element<'_>) -> Option<&'e str> {
    item.child("source")
        .and_then(|source| source.words().or_else(|| source.text_of("title")))
        .or(channel.title)
}

/// GeoRSS or W3C Geo: a point, else the middle of a polygon.
fn point(item: &Element<'_>) -> Option<Coordinates> {
    let where_ = item.child("where").unwrap_or(item);
    let georss = ["point", "polygon", "line"]
        .iter()
        .find_map(|name| centroid(&numbers(&item.child(name)?.text)));
    let gml = || centroid(&numbers(&where_.child("Point")?.child("pos")?.text));
    let geo = || {
        let holder = item.child("Point").unwrap_or(item);
        let lat = holder.text_of("lat")?.parse().ok()?;
        let lon = holder
            .text_of("long")
            .or_else(|| holder.text_of("lon"))?
            .parse()
            .ok()?;
        Coordinates::new(lat, lon)
    };
    georss.or_else(gml).or_else(geo)
}

/// `gdacs:alertlevel` and the others as fields `gdacs.alertlevel`; measured values also as numbers.
fn gdacs(item: &Element<'_>, report: &mut Report<'_>) {
    const LINKS: [&str; 8] = [
        "cap",
        "icon",
        "mapimage",
        "maplink",
        "gtsimage",
        "gtslink",
        "bbox",
        "resources",
    ];
    let own = item
        .children
        .iter()
        .filter(|child| child.prefix == "gdacs" || child.namespace.contains("gdacs.org"));
    for child in own.filter(|child| !LINKS.contains(&child.name.as_str())) {
        let name = format!("gdacs.{}", child.name);
        if let Some(value) = child
            .attribute("value")
            .and_then(|value| value.parse::<f64>().ok())
            .filter(|n| n.is_finite())
        {
            if child.name == "severity" && item.text_of("eventtype") == Some("EQ") {
                add_field(&mut report.fields, "magnitude", Value::Float(value));
            }
            add_field(&mut report.fields, name, Value::Float(value));
        } else {
            add(&mut report.fields, Cow::Owned(name), child.words());
        }
        if child.name == "country" && report.place_name.is_none() {
            report.place_name = child.words().map(|name| name.to_owned().into());
        }
    }
}

/// The weather service's index has the alert's main parts in the entry itself.
fn index_entry(entry: &Element<'_>, report: &mut Report<'_>) {
    for name in ["event", "category", "urgency", "severity", "certainty"] {
        add(
            &mut report.fields,
            Cow::Owned(format!("cap.{name}")),
            entry.text_of(name),
        );
    }
    report.withdrawn = entry.text_of("msgType") == Some("Cancel");
    cap::place(&[entry], report);
}

fn add(fields: &mut Fields<'_>, name: Cow<'static, str>, text: Option<&str>) {
    if let Some(text) = text {
        add_field(fields, name, Value::Text(text.to_owned().into()));
    }
}
