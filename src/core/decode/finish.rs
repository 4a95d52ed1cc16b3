//! The last step of every decoder: bounds, trust, masking.
//!
//! Invariant: nothing leaves `core::decode` but through [`finish`], so that no decoder can forget to mask a string.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::core::mask::{is_masked_by, mask};
use crate::core::model::{
    Feed, FeedKind, Fields, MAX_FIELDS, Refusal, RefusalCode, Report, Status, Value, is_personal,
};

/// Longest identifier kept as it is, in bytes.
const LONGEST_ID: usize = 256;
/// Longest name of a field, in bytes.
const LONGEST_NAME: usize = 64;
/// Longest text in a field, place, publisher or link, in bytes; the rest is cut.
const LONGEST_FIELD: usize = 2048;

/// Adds a field unless it is full, personal, or named at too great a length.
pub(super) fn add_field<'a>(
    fields: &mut Fields<'a>,
    name: impl Into<Cow<'a, str>>,
    value: Value<'a>,
) {
    let name = name.into();
    let empty = matches!(&value, Value::Text(text) if text.is_empty());
    if empty
        || name.is_empty()
        || name.len() > LONGEST_NAME
        || fields.len() >= MAX_FIELDS
        || is_personal(&name)
    {
        return;
    }
    match fields.iter_mut().find(|(known, _)| *known == name) {
        Some(known) => known.1 = value,
        None => fields.push((name, value)),
    }
}

/// The status that a feed's word is worth: only a trusted feed can say exercise or test.
pub(super) fn status(feed: &Feed, label: &str) -> Result<Status, Refusal> {
    if !feed.trust_status || label.is_empty() {
        return Ok(Status::Actual);
    }
    let known = Status::ALL
        .into_iter()
        .find(|status| label.eq_ignore_ascii_case(status.id()));
    known.ok_or_else(|| {
        Refusal::decode(
            RefusalCode::BadValue,
            "`status` is none of actual, exercise and test, and this feed's status is trusted",
        )
    })
}

/// Bounds and masks every string of `report`; refuses one that says nothing.
pub(super) fn finish<'a>(feed: &Feed, mut report: Report<'a>) -> Result<Report<'a>, Refusal> {
    if report.id.is_empty() {
        return Err(Refusal::decode(
            RefusalCode::MissingField,
            "the report has no identifier",
        ));
    }
    if is_blank(&report.title) && is_blank(&report.text) && !has_measurement(&report.fields) {
        return Err(Refusal::decode(
            RefusalCode::NoText,
            "the report has no title, no text and no measured value",
        ));
    }
    report.id = identifier(report.id);
    report.title = mask(report.title);
    report.text = mask(report.text);
    report.lang = report.lang.filter(|tag| is_language(tag));
    report.place_code = report
        .place_code
        .filter(|code| code.len() <= LONGEST_NAME && !is_masked_by(code));
    report.place_name = report.place_name.and_then(short);
    let kind = report.kind.unwrap_or(feed.kind);
    // A post's address leads to its author; a link that carries somebody's number is no use masked.
    report.link = report.link.filter(|link| {
        kind != FeedKind::Post && link.len() <= LONGEST_FIELD && is_web(link) && !is_masked_by(link)
    });
    let publishes = feed.publisher && matches!(kind, FeedKind::News | FeedKind::Official);
    report.publisher = report.publisher.filter(|_| publishes).and_then(short);
    if !report.fields.is_empty() {
        report.fields.retain(|(name, _)| !is_masked_by(name));
        for (_, value) in &mut report.fields {
            mask_value(value);
        }
    }
    Ok(report)
}

fn is_blank(text: &str) -> bool {
    text.trim_start().is_empty()
}

fn has_measurement(fields: &Fields<'_>) -> bool {
    fields
        .iter()
        .any(|(_, value)| matches!(value, Value::Int(_) | Value::Float(_)))
}

/// A masked or over-long identifier would no longer be one: a digest takes its place, the same for the same identifier.
///
/// The digest is written in letters, so that it cannot look like a number. It is a name, not a seal: who guesses the whole
/// identifier can check the guess.
pub(super) fn identifier(id: Cow<'_, str>) -> Cow<'_, str> {
    if id.len() <= LONGEST_ID && !is_masked_by(&id) {
        return id;
    }
    let digest = Sha256::digest(id.as_bytes());
    let letters = digest
        .iter()
        .take(16)
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| (b'a' + nibble) as char);
    Cow::Owned("id-".chars().chain(letters).collect())
}

/// Letters, digits and hyphens, as BCP 47 has it.
fn is_language(tag: &str) -> bool {
    (2..=35).contains(&tag.len())
        && tag
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && tag.as_bytes()[0].is_ascii_alphabetic()
        && tag.bytes().filter(u8::is_ascii_digit).count() < 7
}

fn is_web(link: &str) -> bool {
    link.starts_with("https://") || link.starts_with("http://")
}

/// Masked, cut to [`LONGEST_FIELD`]; none when blank.
fn short(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let text = cut(mask(text));
    (!is_blank(&text)).then_some(text)
}

/// Cut after masking, so that no half of a number is left.
fn cut(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.len() <= LONGEST_FIELD {
        return text;
    }
    let end = (0..=LONGEST_FIELD)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    }
}

fn mask_value(value: &mut Value<'_>) {
    match value {
        Value::Bool(_) => {}
        Value::Text(text) => *text = cut(mask(std::mem::take(text))),
        Value::Int(number) => {
            // Seven digits are the shortest that can be reached by telephone; see `mask`.
            if number.unsigned_abs() >= 1_000_000 && is_masked_by(&number.to_string()) {
                *value = Value::Text(mask(number.to_string().into()).into_owned().into());
            }
        }
        Value::Float(number) => {
            if number.abs() >= 1e6 && is_masked_by(&number.to_string()) {
                *value = Value::Text(mask(number.to_string().into()).into_owned().into());
            }
        }
    }
}
