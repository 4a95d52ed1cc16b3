//! Tocsin JSON v1: the format for whoever can choose one. Documented in `report.schema.json`.
//!
//! Invariant: one pass over the text, borrowing from it; a record with only `id` and `text` is enough.

use std::borrow::Cow;

use super::decoder::Decoder;
use super::finish::{add_field, status};
use super::json::{Scalar, Scanner};
use super::times;
use crate::core::model::{
    Coordinates, FeedKind, Fields, Millis, Refusal, RefusalCode, Report, Value,
};

/// JSON Schema of Tocsin JSON v1.
pub const SCHEMA: &str = include_str!("report.schema.json");

type Read<T> = Result<T, Refusal>;

/// What cannot be put into the report before the whole record is read.
#[derive(Default)]
struct Pending<'a> {
    lat: Option<f64>,
    lon: Option<f64>,
    observed: Option<Millis>,
    status: Option<Cow<'a, str>>,
}

/// Reads one record; unmasked.
pub(super) fn read<'a>(decoder: &Decoder, text: &'a str) -> Read<Report<'a>> {
    let report = read_optional_id(decoder, text)?;
    if report.id.is_empty() {
        return Err(Refusal::decode(
            RefusalCode::MissingField,
            "`id` is missing",
        ));
    }
    Ok(report)
}

/// The same where an envelope may know the identifier.
#[inline]
pub(super) fn read_optional_id<'a>(decoder: &Decoder, text: &'a str) -> Read<Report<'a>> {
    let mut scanner = Scanner::new(text);
    if !scanner.take(b'{') {
        return not_an_object(&mut scanner);
    }
    let mut report = Report::default();
    let mut pending = Pending::default();
    let mut first = true;
    while let Some(key) = scanner.key(first)? {
        first = false;
        let before = scanner.offset();
        match scanner.scalar()? {
            Some(Scalar::Null) => {}
            Some(value) => {
                scalar(decoder, key, value, &mut report, &mut pending)
                    .map_err(|refusal| refusal.at(before))?;
            }
            None => nested(&mut scanner, &key, &mut report)?,
        }
    }
    scanner.finish()?;
    if let (Some(lat), Some(lon)) = (pending.lat, pending.lon) {
        report.coordinates = Coordinates::new(lat, lon);
    }
    report.observed = pending.observed;
    if let Some(label) = pending.status {
        report.status = status(&decoder.feed, &label)?;
    }
    if report.id.is_empty() {
        return Err(Refusal::decode(
            RefusalCode::MissingField,
            "`id` is missing",
        ));
    }
    Ok(report)
}

/// Says what the record is instead of an object.
#[cold]
fn not_an_object<'a>(scanner: &mut Scanner<'a>) -> Read<Report<'a>> {
    let array = scanner.peek() == b'[';
    let start = scanner.offset();
    scanner.skip(0)?;
    scanner.finish()?;
    let refusal = if array {
        Refusal::decode(RefusalCode::ManyItems, "the record is an array of reports")
    } else {
        Refusal::decode(
            RefusalCode::WrongFormat,
            "the record is JSON, but not an object",
        )
    };
    Err(refusal.at(start))
}

fn scalar<'a>(
    decoder: &Decoder,
    key: Cow<'a, str>,
    value: Scalar<'a>,
    report: &mut Report<'a>,
    pending: &mut Pending<'a>,
) -> Read<()> {
    match &*key {
        "id" => report.id = identifier(value)?,
        "text" => report.text = text(&key, value)?,
        "title" => report.title = text(&key, value)?,
        "observed" => pending.observed = time(decoder, &key, &value)?,
        "ts" | "time" => {
            let read = time(decoder, &key, &value)?;
            pending.observed = pending.observed.or(read);
        }
        "lang" => report.lang = Some(text(&key, value)?),
        "lat" => pending.lat = Some(degrees(&key, &value)?),
        "lon" => pending.lon = Some(degrees(&key, &value)?),
        "kind" => report.kind = Some(kind(&value)?),
        "status" => pending.status = Some(text(&key, value)?),
        "withdrawn" => report.withdrawn = flag(&key, &value)?,
        "revised" => report.revised = flag(&key, &value)?,
        "place" => report.place_name = Some(text(&key, value)?),
        "link" => report.link = Some(text(&key, value)?),
        "publisher" => report.publisher = Some(text(&key, value)?),
        "fields" => return Err(bad(&key, "an object")),
        // The envelope of replay and of the format itself, not of the report.
        "feed" | "received" | "v" => {}
        _ => {
            if let Some(value) = field(value) {
                add_field(&mut report.fields, key, value);
            }
        }
    }
    Ok(())
}

/// `place` and `fields` are the objects that mean something; others are skipped.
fn nested<'a>(scanner: &mut Scanner<'a>, key: &str, report: &mut Report<'a>) -> Read<()> {
    let at = scanner.offset();
    match key {
        "place" | "fields" if !scanner.take(b'{') => {
            Err(Refusal::decode(RefusalCode::BadValue, format!("`{key}` is not an object")).at(at))
        }
        "place" => members(scanner, |name, value| match (&*name, value) {
            ("code", Scalar::Text(code)) => report.place_code = Some(code),
            ("name", Scalar::Text(name)) => report.place_name = Some(name),
            _ => {}
        }),
        "fields" => fields(scanner, &mut report.fields),
        "id" | "text" | "title" | "observed" | "ts" | "time" | "lat" | "lon" | "kind"
        | "status" | "withdrawn" | "revised" | "link" | "publisher" | "lang" => {
            Err(Refusal::decode(
                RefusalCode::BadValue,
                format!("`{key}` is not a single value"),
            )
            .at(at))
        }
        _ => scanner.skip(1),
    }
}

fn fields<'a>(scanner: &mut Scanner<'a>, fields: &mut Fields<'a>) -> Read<()> {
    members(scanner, |name, value| {
        if let Some(value) = field(value) {
            add_field(fields, name, value);
        }
    })
}

/// Calls `take` for each scalar member of the object whose `{` was read.
fn members<'a>(
    scanner: &mut Scanner<'a>,
    mut take: impl FnMut(Cow<'a, str>, Scalar<'a>),
) -> Read<()> {
    let mut first = true;
    while let Some(name) = scanner.key(first)? {
        first = false;
        match scanner.scalar()? {
            Some(value) => take(name, value),
            None => scanner.skip(2)?,
        }
    }
    Ok(())
}

/// A scalar as a value for rules.
pub(super) fn field(value: Scalar<'_>) -> Option<Value<'_>> {
    match value {
        Scalar::Null => None,
        Scalar::Bool(flag) => Some(Value::Bool(flag)),
        Scalar::Text(text) => Some(Value::Text(text)),
        Scalar::Number(number) => Some(match number.parse() {
            Ok(whole) => Value::Int(whole),
            Err(_) => number
                .parse()
                .ok()
                .filter(|n: &f64| n.is_finite())
                .map(Value::Float)?,
        }),
    }
}

#[cold]
fn bad(key: &str, form: &str) -> Refusal {
    Refusal::decode(RefusalCode::BadValue, format!("`{key}` is not {form}"))
}

fn text<'a>(key: &str, value: Scalar<'a>) -> Read<Cow<'a, str>> {
    match value {
        Scalar::Text(text) => Ok(text),
        _ => Err(bad(key, "a string")),
    }
}

/// A string, or a number kept as it was written.
fn identifier(value: Scalar<'_>) -> Read<Cow<'_, str>> {
    match value {
        Scalar::Text(text) => Ok(text),
        Scalar::Number(number) => Ok(Cow::Borrowed(number)),
        _ => Err(bad("id", "a string")),
    }
}

fn time(decoder: &Decoder, key: &str, value: &Scalar<'_>) -> Read<Option<Millis>> {
    let read = match value {
        Scalar::Text(text) if text.trim().is_empty() => return Ok(None),
        Scalar::Text(text) => times::parse(text, &decoder.zone),
        Scalar::Number(number) => number.parse().ok().and_then(times::unix),
        _ => None,
    };
    match read {
        Some(at) => Ok(Some(at)),
        None => Err(Refusal::decode(
            RefusalCode::BadTime,
            format!("`{key}` is not a time that can be read"),
        )),
    }
}

fn degrees(key: &str, value: &Scalar<'_>) -> Read<f64> {
    let number = match value {
        Scalar::Number(number) => number.parse().ok(),
        Scalar::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .filter(|n: &f64| n.is_finite())
        .ok_or_else(|| bad(key, "a number of degrees"))
}

fn kind(value: &Scalar<'_>) -> Read<FeedKind> {
    match value {
        Scalar::Text(id) => FeedKind::parse(id),
        _ => None,
    }
    .ok_or_else(|| {
        bad(
            "kind",
            "one of news, post, hotline, dispatch, sensor, official",
        )
    })
}

fn flag(key: &str, value: &Scalar<'_>) -> Read<bool> {
    match value {
        Scalar::Bool(flag) => Ok(*flag),
        _ => Err(bad(key, "true or false")),
    }
}
