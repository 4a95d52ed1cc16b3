//! Mapped JSON: any office's own rows, read by the JSON pointers in the feed's configuration.
//!
//! Invariant: only what the mapping names is read, and a mapping that names a person does not compile.

use std::borrow::Cow;

use super::decoder::Decoder;
use super::finish::add_field;
use super::times;
use super::tree::{Json, Pointer};
use crate::core::model::{
    Coordinates, FeedKind, Mapping, Millis, Refusal, RefusalCode, Report, is_personal,
};

/// A [`Mapping`] with its pointers compiled.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    id: Pointer,
    text: Template,
    time: Option<Pointer>,
    title: Option<Template>,
    place_code: Option<Pointer>,
    place: Option<Template>,
    latitude: Option<Pointer>,
    longitude: Option<Pointer>,
    kind: Option<Pointer>,
    lang: Option<Pointer>,
    link: Option<Pointer>,
    fields: Vec<(String, Pointer)>,
}

/// Text with slots; a lone pointer is a template of one slot.
#[derive(Clone, Debug)]
struct Template(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Literal(String),
    Slot(Pointer),
}

impl Template {
    fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('/') && !text.contains('{') {
            return Ok(Self(vec![Piece::Slot(slot(text)?)]));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find("{/") {
            let close = rest[open..]
                .find('}')
                .ok_or_else(|| format!("{text:?} has a slot without `}}`"))?
                + open;
            pieces.push(Piece::Literal(rest[..open].to_owned()));
            pieces.push(Piece::Slot(slot(&rest[open + 1..close])?));
            rest = &rest[close + 1..];
        }
        if pieces.is_empty() {
            return Err(format!(
                "{text:?} is neither a JSON pointer nor a template with `{{/pointer}}` slots"
            ));
        }
        pieces.push(Piece::Literal(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// The text with its slots filled; none when every slot is empty.
    fn fill<'a>(&self, row: &Json<'a>) -> Option<Cow<'a, str>> {
        if let [Piece::Slot(pointer)] = self.0.as_slice() {
            return pointer.find(row)?.text();
        }
        let mut text = String::new();
        let mut filled = false;
        for piece in &self.0 {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Slot(pointer) => {
                    if let Some(value) = pointer.find(row).and_then(Json::text) {
                        filled = true;
                        text.push_str(&value);
                    }
                }
            }
        }
        filled.then(|| Cow::Owned(text.trim().to_owned()))
    }
}

/// A pointer to something that is not a person.
fn slot(text: &str) -> Result<Pointer, String> {
    let pointer = Pointer::parse(text)?;
    if is_personal(pointer.name()) {
        return Err(format!(
            "{text:?} names a person or a way to reach one: reports carry neither"
        ));
    }
    Ok(pointer)
}

impl Plan {
    /// Compiles `mapping`; the error names the setting that is wrong.
    pub(super) fn new(mapping: &Mapping) -> Result<Self, String> {
        let at = |name: &str, error: String| format!("mapping.{name}: {error}");
        let pointer = |name: &str, text: &Option<String>| {
            text.as_deref()
                .map(slot)
                .transpose()
                .map_err(|error| at(name, error))
        };
        let template =
            |name: &str, text: &str| Template::parse(text).map_err(|error| at(name, error));
        let optional = |name: &str, text: &Option<String>| {
            text.as_deref().map(|text| template(name, text)).transpose()
        };
        let field = |(name, text): (&String, &String)| {
            if is_personal(name) {
                return Err(at(
                    "fields",
                    format!("{name:?} names a person: reports have no author"),
                ));
            }
            Ok((
                name.clone(),
                slot(text).map_err(|error| at("fields", error))?,
            ))
        };
        Ok(Self {
            id: slot(&mapping.id).map_err(|error| at("id", error))?,
            text: template("text", &mapping.text)?,
            time: pointer("time", &mapping.time)?,
            title: optional("title", &mapping.title)?,
            place_code: pointer("place_code", &mapping.place_code)?,
            place: optional("place", &mapping.place)?,
            latitude: pointer("latitude", &mapping.latitude)?,
            longitude: pointer("longitude", &mapping.longitude)?,
            kind: pointer("kind", &mapping.kind)?,
            lang: pointer("lang", &mapping.lang)?,
            link: pointer("link", &mapping.link)?,
            fields: mapping.fields.iter().map(field).collect::<Result<_, _>>()?,
        })
    }
}

/// Reads one row; unmasked.
pub(super) fn read<'a>(
    decoder: &Decoder,
    plan: &Plan,
    row: &Json<'a>,
) -> Result<Report<'a>, Refusal> {
    if !row.is_object() && row.elements().is_empty() {
        return Err(Refusal::decode(
            RefusalCode::WrongFormat,
            "the record is JSON, but neither an object nor a row",
        ));
    }
    let find = |pointer: &Option<Pointer>| pointer.as_ref().and_then(|pointer| pointer.find(row));
    let words = |pointer: &Option<Pointer>| find(pointer).and_then(Json::text);
    let fill =
        |template: &Option<Template>| template.as_ref().and_then(|template| template.fill(row));
    let id = plan
        .id
        .find(row)
        .and_then(Json::text)
        .ok_or_else(|| nothing_at("id"))?;
    let title = fill(&plan.title).unwrap_or_default();
    let text = match plan.text.fill(row) {
        Some(text) => text,
        None if title.is_empty() => return Err(nothing_at("text")),
        None => Cow::Borrowed(""),
    };
    let mut report = Report {
        id,
        title,
        text,
        observed: time(decoder, find(&plan.time))?,
        lang: words(&plan.lang),
        kind: kind(words(&plan.kind))?,
        place_code: words(&plan.place_code),
        place_name: fill(&plan.place),
        coordinates: coordinates(find(&plan.latitude), find(&plan.longitude))?,
        link: words(&plan.link),
        ..Report::default()
    };
    for (name, pointer) in &plan.fields {
        if let Some(value) = pointer.find(row).and_then(Json::field) {
            add_field(&mut report.fields, name.clone(), value);
        }
    }
    Ok(report)
}

fn nothing_at(setting: &str) -> Refusal {
    Refusal::decode(
        RefusalCode::BadMapping,
        format!("there is no value where `mapping.{setting}` points"),
    )
}

/// A time, if there is one.
pub(super) fn time(decoder: &Decoder, value: Option<&Json<'_>>) -> Result<Option<Millis>, Refusal> {
    let Some(value) = value else { return Ok(None) };
    let Some(text) = value.text() else {
        return match value {
            Json::Scalar(_) => Ok(None),
            _ => Err(bad_time()),
        };
    };
    times::parse(&text, &decoder.zone)
        .map(Some)
        .ok_or_else(bad_time)
}

fn bad_time() -> Refusal {
    Refusal::decode(
        RefusalCode::BadTime,
        "the record's time is in no form that can be read",
    )
}

fn kind(id: Option<Cow<'_, str>>) -> Result<Option<FeedKind>, Refusal> {
    let Some(id) = id else { return Ok(None) };
    FeedKind::parse(&id).map(Some).ok_or_else(|| {
        Refusal::decode(
            RefusalCode::BadValue,
            "the kind is none of news, post, hotline, dispatch, sensor, official",
        )
    })
}

/// Both degrees, if both are there.
pub(super) fn coordinates(
    lat: Option<&Json<'_>>,
    lon: Option<&Json<'_>>,
) -> Result<Option<Coordinates>, Refusal> {
    let degrees = |value: Option<&Json<'_>>| match value {
        Some(value) if value.text().is_some() => value.number().map(Some).ok_or_else(|| {
            Refusal::decode(
                RefusalCode::BadValue,
                "latitude or longitude is not a number",
            )
        }),
        _ => Ok(None),
    };
    Ok(match (degrees(lat)?, degrees(lon)?) {
        (Some(lat), Some(lon)) => Coordinates::new(lat, lon),
        _ => None,
    })
}
