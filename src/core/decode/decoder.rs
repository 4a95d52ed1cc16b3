//! One decoder per feed: chooses the format, checks the size, insists on one report per record, masks the result.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::finish::finish;
use super::tree::Json;
use super::{cap, cloudevents, geojson, json, mapped, open311, rss, tocsin, xml};
use crate::core::model::{DecoderKind, Feed, RawRecord, Refusal, RefusalCode, Report};

/// Largest record, in bytes.
pub const MAX_RECORD: usize = 1 << 20;

/// Reads the records of one feed. Cheap to clone; holds no state between records.
#[derive(Clone, Debug)]
pub struct Decoder {
    pub(super) feed: Arc<Feed>,
    pub(super) zone: TimeZone,
    pub(super) plan: Option<Arc<mapped::Plan>>,
}

impl Decoder {
    /// A decoder for `feed`; the error says which setting of the feed is wrong.
    pub fn new(feed: Arc<Feed>) -> Result<Self, String> {
        let zone = match &feed.time_zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name)
                .map_err(|_| format!("`time_zone` {name:?} is not an IANA time zone"))?,
        };
        let plan = match (&feed.mapping, feed.decoder) {
            (Some(mapping), DecoderKind::Mapped) => Some(Arc::new(mapped::Plan::new(mapping)?)),
            (None, DecoderKind::Mapped) => {
                return Err(
                    "the decoder `mapped` needs a `mapping` with at least `id` and `text`"
                        .to_owned(),
                );
            }
            (Some(_), _) => return Err("`mapping` is for the decoder `mapped` only".to_owned()),
            (None, _) => None,
        };
        Ok(Self { feed, zone, plan })
    }

    /// The feed that this decoder reads.
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// Decodes one record to the one report in it. Every string of the report is masked.
    #[inline]
    pub fn decode<'a>(&self, record: &RawRecord<'a>) -> Result<Report<'a>, Refusal> {
        check_size(record.payload, MAX_RECORD)?;
        let report = match self.feed.decoder {
            DecoderKind::Tocsin => tocsin::read(self, json::utf8(record.payload)?)?,
            DecoderKind::CloudEvents => cloudevents::read(self, record)?,
            DecoderKind::Mapped | DecoderKind::GeoJson => self.read_json(record.payload)?,
            DecoderKind::Open311 if !xml::looks_like_xml(record.payload) => {
                self.read_json(record.payload)?
            }
            DecoderKind::Open311 | DecoderKind::Cap | DecoderKind::Rss => {
                self.read_xml(record.payload)?
            }
        };
        finish(&self.feed, report)
    }

    fn read_json<'a>(&self, payload: &'a [u8]) -> Result<Report<'a>, Refusal> {
        let root = Json::parse(json::utf8(payload)?)?;
        let item = only(&self.json_items(&root)?)?;
        self.json_item(item)
    }

    fn read_xml<'r>(&self, payload: &[u8]) -> Result<Report<'r>, Refusal> {
        let text = xml::text(payload)?;
        // A position in text that was transcoded is none in the record.
        let moved = matches!(text, std::borrow::Cow::Owned(_));
        let read = || {
            let root = xml::parse(&text)?;
            match self.feed.decoder {
                DecoderKind::Open311 => {
                    let requests = open311::xml_items(&root)?;
                    let refs: Vec<_> = requests.iter().collect();
                    open311::read(self, only(&refs)?).map(Report::into_owned)
                }
                DecoderKind::Rss => {
                    rss::read(self, &rss::Channel::of(&root), only(&rss::items(&root)?)?)
                }
                _ => cap::read(self, only(&cap::items(&root)?)?),
            }
        };
        read().map_err(|refusal| {
            if moved {
                Refusal {
                    at: None,
                    ..refusal
                }
            } else {
                refusal
            }
        })
    }

    /// The reports of a JSON document, unread.
    pub(super) fn json_items<'t, 'a>(
        &self,
        root: &'t Json<'a>,
    ) -> Result<Vec<&'t Json<'a>>, Refusal> {
        match self.feed.decoder {
            DecoderKind::GeoJson => geojson::items(root),
            DecoderKind::Open311 => open311::items(root),
            _ => Ok(vec![root]),
        }
    }

    /// Reads one report of a JSON document; unmasked.
    pub(super) fn json_item<'a>(&self, item: &Json<'a>) -> Result<Report<'a>, Refusal> {
        match (self.feed.decoder, &self.plan) {
            (DecoderKind::GeoJson, _) => geojson::read(self, item),
            (DecoderKind::Open311, _) => open311::read(self, item),
            (_, Some(plan)) => mapped::read(self, plan, item),
            (_, None) => Err(Refusal::decode(
                RefusalCode::Internal,
                "a decoder without its plan",
            )),
        }
    }
}

/// Refuses nothing and too much.
pub(super) fn check_size(payload: &[u8], limit: usize) -> Result<(), Refusal> {
    if payload.is_empty() {
        return Err(Refusal::decode(RefusalCode::Empty, "the record is empty"));
    }
    if payload.len() > limit {
        // What reads lines keeps one byte more than is allowed, and no more.
        let message = match payload.len() - limit {
            1 => format!("more than the {limit} bytes that are allowed"),
            _ => format!("{} bytes, {limit} are allowed", payload.len()),
        };
        return Err(Refusal::decode(RefusalCode::TooLarge, message));
    }
    Ok(())
}

/// The one item of a record.
pub(super) fn only<'t, T>(items: &[&'t T]) -> Result<&'t T, Refusal> {
    match items {
        [item] => Ok(item),
        [] => Err(Refusal::decode(
            RefusalCode::NoItems,
            "the document is well-formed and holds no report",
        )),
        many => Err(Refusal::decode(
            RefusalCode::ManyItems,
            format!("the record holds {} reports", many.len()),
        )),
    }
}
