//! CloudEvents 1.0 on Kafka: structured (one JSON object) and binary (attributes in `ce_` headers).
//!
//! Invariant: an envelope only. The data is Tocsin JSON or CAP, told apart by its first character; the event's `id` and
//! `time` stand in where the data has none.

use std::borrow::Cow;

use super::decoder::Decoder;
use super::json::{Scalar, Scanner, utf8};
use super::{base64, cap, times, tocsin, xml};
use crate::core::model::{RawRecord, Refusal, RefusalCode, Report};

type Read<T> = Result<T, Refusal>;

/// The attributes that matter here.
#[derive(Default)]
struct Attributes<'a> {
    specversion: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    source: Option<Cow<'a, str>>,
    kind: Option<Cow<'a, str>>,
    time: Option<Cow<'a, str>>,
}

impl<'a> Attributes<'a> {
    fn set(&mut self, name: &str, value: Cow<'a, str>) {
        match name {
            "specversion" => self.specversion = Some(value),
            "id" => self.id = Some(value),
            "source" => self.source = Some(value),
            "type" => self.kind = Some(value),
            "time" => self.time = Some(value),
            _ => {}
        }
    }

    /// The context attributes that CloudEvents requires.
    fn check(&self) -> Read<()> {
        match self.specversion.as_deref() {
            Some("1.0") => {}
            Some(_) => {
                return Err(Refusal::decode(
                    RefusalCode::Unsupported,
                    "`specversion` is not 1.0",
                ));
            }
            None => {
                return Err(Refusal::decode(
                    RefusalCode::WrongFormat,
                    "this is no CloudEvent: no `specversion`",
                ));
            }
        }
        for (name, value) in [
            ("id", &self.id),
            ("source", &self.source),
            ("type", &self.kind),
        ] {
            if value.as_ref().is_none_or(|value| value.is_empty()) {
                return Err(Refusal::decode(
                    RefusalCode::MissingField,
                    format!("the CloudEvent has no `{name}`"),
                ));
            }
        }
        Ok(())
    }
}

/// Reads one record; unmasked.
pub(super) fn read<'a>(decoder: &Decoder, record: &RawRecord<'a>) -> Read<Report<'a>> {
    let header = |name: &str| {
        record
            .header(name)
            .and_then(|value| std::str::from_utf8(value).ok())
    };
    let structured =
        header("content-type").is_some_and(|kind| kind.starts_with("application/cloudevents"));
    if structured || header("ce_specversion").is_none() {
        return structured_mode(decoder, utf8(record.payload)?);
    }
    let mut attributes = Attributes::default();
    for (name, value) in &record.headers {
        if let (Some(name), Ok(value)) = (name.strip_prefix("ce_"), std::str::from_utf8(value)) {
            attributes.set(name, Cow::Borrowed(value));
        }
    }
    attributes.check()?;
    let report = data(decoder, record.payload, &attributes)?;
    complete(decoder, report, &attributes)
}

fn structured_mode<'a>(decoder: &Decoder, text: &'a str) -> Read<Report<'a>> {
    let mut scanner = Scanner::new(text);
    if !scanner.take(b'{') {
        if scanner.peek() == b'[' {
            return scanner.fail(
                RefusalCode::ManyItems,
                "the record is a batch of CloudEvents",
            );
        }
        return scanner.fail(
            RefusalCode::WrongFormat,
            "this is no CloudEvent in JSON, and no `ce_` headers came with it",
        );
    }
    let mut attributes = Attributes::default();
    let mut payload = None;
    let mut base64 = false;
    let mut first = true;
    while let Some(key) = scanner.key(first)? {
        first = false;
        scanner.peek();
        let start = scanner.offset();
        match scanner.scalar()? {
            Some(Scalar::Text(value)) if matches!(&*key, "data" | "data_base64") => {
                base64 = key == "data_base64";
                payload = Some(value);
            }
            Some(Scalar::Text(value)) => attributes.set(&key, value),
            Some(_) => {} // null among them: as if it were not there
            None => {
                scanner.skip(1)?;
                if key == "data" {
                    payload = Some(Cow::Borrowed(&text[start..scanner.offset()]));
                }
            }
        }
    }
    scanner.finish()?;
    attributes.check()?;
    let payload = payload.ok_or_else(|| {
        Refusal::decode(RefusalCode::MissingField, "the CloudEvent has no `data`")
    })?;
    let report = if base64 {
        let bytes = base64::decode(&payload)
            .ok_or_else(|| Refusal::decode(RefusalCode::BadValue, "`data_base64` is not base64"))?;
        data(decoder, &bytes, &attributes)?.into_owned()
    } else {
        match payload {
            Cow::Borrowed(text) => data(decoder, text.as_bytes(), &attributes)?,
            Cow::Owned(text) => data(decoder, text.as_bytes(), &attributes)?.into_owned(),
        }
    };
    complete(decoder, report, &attributes)
}

/// Decodes the data by what it looks like.
fn data<'a>(decoder: &Decoder, bytes: &'a [u8], attributes: &Attributes<'_>) -> Read<Report<'a>> {
    if xml::looks_like_xml(bytes) {
        let text = xml::text(bytes)?;
        return cap::one(decoder, &xml::parse(&text)?);
    }
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(Refusal::decode(
            RefusalCode::Unsupported,
            "the CloudEvent's data is neither Tocsin JSON nor CAP",
        ));
    }
    // The position is inside the data, not inside the record: say nothing rather than something wrong.
    let unplaced = |refusal: Refusal| Refusal {
        at: None,
        ..refusal
    };
    let mut report = tocsin::read_optional_id(decoder, utf8(bytes)?).map_err(unplaced)?;
    if report.id.is_empty() {
        report.id = Cow::Owned(attributes.id.as_deref().unwrap_or_default().to_owned());
    }
    Ok(report)
}

/// Adds what the envelope knows.
fn complete<'a>(
    decoder: &Decoder,
    mut report: Report<'a>,
    attributes: &Attributes<'_>,
) -> Read<Report<'a>> {
    if let (None, Some(time)) = (report.observed, &attributes.time) {
        let at = times::parse(time, &decoder.zone).ok_or_else(|| {
            Refusal::decode(
                RefusalCode::BadTime,
                "the CloudEvent's `time` cannot be read",
            )
        })?;
        report.observed = Some(at);
    }
    Ok(report)
}
