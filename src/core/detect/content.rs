//! What makes two statements of a report the same.
//!
//! Invariant: everything that a feed may revise is in the hash, and nothing that only the record's way here changed.

use xxhash_rust::xxh3::Xxh3;

use crate::core::model::{Report, Value};

/// Hash of everything a revision may change; not of the position and times of the record.
pub(super) fn content_hash(report: &Report<'_>) -> u64 {
    let mut hash = Xxh3::new();
    let mut part = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(report.title.as_bytes());
    part(report.text.as_bytes());
    part(report.status.id().as_bytes());
    part(&[u8::from(report.withdrawn)]);
    part(report.place_code.as_deref().unwrap_or_default().as_bytes());
    part(report.place_name.as_deref().unwrap_or_default().as_bytes());
    if let Some(at) = report.coordinates {
        part(&at.lat.to_bits().to_le_bytes());
        part(&at.lon.to_bits().to_le_bytes());
    }
    for (name, value) in &report.fields {
        part(name.as_bytes());
        match value {
            Value::Bool(flag) => part(&[u8::from(*flag)]),
            Value::Int(number) => part(&number.to_le_bytes()),
            Value::Float(number) => part(&number.to_bits().to_le_bytes()),
            Value::Text(text) => part(text.as_bytes()),
        }
    }
    hash.digest()
}
