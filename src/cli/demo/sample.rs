//! The sample stream: bundled records whose times are slots, filled so that the stream ends now.
//!
//! Every record stands in the file as its source would have sent it, except that each time in it is a slot `@[form:ms]`:
//! `ms` after the start of the stream, in one of the forms that the formats use. Filling the slots moves a whole record,
//! whatever its format, and no decoder knows that it was moved.

use std::io::Read as _;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use serde::Deserialize;

use crate::config::Bundled;
use crate::core::model::Millis;

/// The bundled stream.
const PATH: &str = "samples/feed.jsonl.gz";
/// Largest stream after decompression.
const MAX_BYTES: u64 = 64 << 20;

/// One record, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SampleRecord {
    /// Id of its feed.
    pub(super) feed: String,
    /// When it arrives, milliseconds after the start of the stream.
    pub(super) offset_ms: i64,
    payload: Payload,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Payload {
    Slots(String),
    Bytes(Vec<u8>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    feed: String,
    offset_ms: i64,
    payload: Option<String>,
    payload_base64: Option<String>,
}

/// The whole stream, in order of arrival.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) records: Vec<SampleRecord>,
}

impl Sample {
    /// The stream that comes with the binary.
    pub(super) fn bundled() -> anyhow::Result<Self> {
        let packed = Bundled::get(PATH).context("the sample stream is not bundled")?;
        let mut text = String::new();
        flate2::read::GzDecoder::new(&packed[..])
            .take(MAX_BYTES)
            .read_to_string(&mut text)
            .context("the sample stream cannot be unpacked")?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut records = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let place = || format!("line {} of {PATH}", at + 1);
            let line: Line = serde_json::from_str(line).with_context(place)?;
            let payload = match (line.payload, line.payload_base64) {
                (Some(text), None) => Payload::Slots(text),
                (None, Some(code)) => {
                    let engine = base64::engine::general_purpose::STANDARD;
                    Payload::Bytes(engine.decode(code).with_context(place)?)
                }
                _ => bail!("{}: one of payload and payload_base64", place()),
            };
            records.push(SampleRecord {
                feed: line.feed,
                offset_ms: line.offset_ms,
                payload,
            });
        }
        records.sort_by_key(|record| record.offset_ms);
        Ok(Self { records })
    }

    /// From the first instant to the last record, milliseconds.
    pub(super) fn length_ms(&self) -> i64 {
        self.records.last().map_or(0, |record| record.offset_ms)
    }
}

impl SampleRecord {
    /// The bytes to send when the stream starts at `start`.
    pub(super) fn payload(&self, start: Millis) -> Vec<u8> {
        match &self.payload {
            Payload::Slots(text) => fill(text, start).into_bytes(),
            Payload::Bytes(bytes) => bytes.clone(),
        }
    }
}

/// Replaces every slot; what only looks like one stays.
fn fill(text: &str, start: Millis) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some(at) = rest.find("@[") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let end = from.find(']').unwrap_or(from.len());
        if let Some(filled) = from.get(2..end).and_then(|slot| time(slot, start)) {
            out.push_str(&filled);
            rest = from.get(end + 1..).unwrap_or("");
        } else {
            out.push_str("@[");
            rest = from.get(2..).unwrap_or("");
        }
    }
    out.push_str(rest);
    out
}

fn time(slot: &str, start: Millis) -> Option<String> {
    let (form, ms) = slot.split_once(':')?;
    let at = start.plus(ms.parse().ok()?);
    let stamp = jiff::Timestamp::from_millisecond(at.0).ok()?;
    let zoned = jiff::tz::Offset::UTC.to_datetime(stamp);
    Some(match form {
        "rfc3339" => at.to_string(),
        "cap" => zoned.strftime("%Y-%m-%dT%H:%M:%S-00:00").to_string(),
        "rfc822" => zoned.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        "space" => zoned.strftime("%Y-%m-%d %H:%M:%S+00:00").to_string(),
        "millis" => at.0.to_string(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Millis = Millis(1_767_323_045_678);

    #[test]
    fn slots_take_the_form_of_their_format() {
        let text = "a@[rfc3339:0] b@[cap:1000] c@[rfc822:-1000] d@[space:0] e@[millis:22]";
        assert_eq!(
            fill(text, START),
            "a2026-01-02T03:04:05.678Z b2026-01-02T03:04:06-00:00 cFri, 02 Jan 2026 03:04:04 GMT \
             d2026-01-02 03:04:05+00:00 e1767323045700"
        );
    }

    #[test]
    fn what_is_no_slot_stays() {
        for text in [
            "@[",
            "x@[y",
            "@[what:1]",
            "@[millis:]",
            "mail@[me]",
            "火@[火:1]",
        ] {
            assert_eq!(fill(text, START), text);
        }
    }

    #[test]
    fn the_bundled_stream_has_no_slot_left_and_is_in_order() {
        let sample = Sample::bundled().unwrap();
        assert!(sample.records.len() >= 2_000, "{}", sample.records.len());
        let forms = ["rfc3339:", "cap:", "rfc822:", "space:", "millis:"];
        for record in &sample.records {
            assert!((0..=sample.length_ms()).contains(&record.offset_ms));
            if let Payload::Slots(text) = &record.payload {
                let filled = fill(text, START);
                for form in forms {
                    assert!(!filled.contains(&format!("@[{form}")), "{filled}");
                }
            }
        }
    }
}
