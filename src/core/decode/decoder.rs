//! One decoder per feed: chooses the format, checks the size, masks the result.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{finish::finish, json, tocsin};
use crate::core::model::{DecoderKind, Feed, RawRecord, Refusal, RefusalCode, Report};

/// Largest record, in bytes.
pub const MAX_RECORD: usize = 1 << 20;
/// Largest document that [`Decoder::decode_document`] splits, in bytes.
pub const MAX_DOCUMENT: usize = 64 << 20;

/// Reads the records of one feed.
#[derive(Clone, Debug)]
pub struct Decoder {
    pub(super) feed: Arc<Feed>,
    pub(super) zone: TimeZone,
}

impl Decoder {
    /// A decoder for `feed`; the error says which setting of the feed is wrong.
    pub fn new(feed: Arc<Feed>) -> Result<Self, String> {
        let zone = match &feed.time_zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name)
                .map_err(|_| format!("`time_zone` {name:?} is not an IANA time zone"))?,
        };
        Ok(Self { feed, zone })
    }

    /// The feed that this decoder reads.
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// Decodes one record to the one report in it, masked.
    #[inline]
    pub fn decode<'a>(&self, record: &RawRecord<'a>) -> Result<Report<'a>, Refusal> {
        check_size(record.payload, MAX_RECORD)?;
        let report = match self.feed.decoder {
            DecoderKind::Tocsin => tocsin::read(self, json::utf8(record.payload)?)?,
            _ => {
                return Err(Refusal::decode(
                    RefusalCode::Unsupported,
                    "this format is not read yet",
                ));
            }
        };
        finish(&self.feed, report)
    }
}

/// Refuses nothing and too much.
pub(super) fn check_size(payload: &[u8], limit: usize) -> Result<(), Refusal> {
    if payload.is_empty() {
        return Err(Refusal::decode(RefusalCode::Empty, "the record is empty"));
    }
    if payload.len() > limit {
        let message = format!("{} bytes, {limit} are allowed", payload.len());
        return Err(Refusal::decode(RefusalCode::TooLarge, message));
    }
    Ok(())
}
