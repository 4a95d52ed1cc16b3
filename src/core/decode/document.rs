//! Whole documents: a feed's file with many reports, as it was downloaded, split and decoded one by one.
//!
//! Invariant: the same readers as for single records; a report that is refused does not stop the next.

use std::borrow::Cow;

use super::decoder::{Decoder, MAX_RECORD, check_size};
use super::finish::finish;
use super::json::{Scanner, utf8};
use super::tree::Json;
use super::{cap, open311, rss, xml};
use crate::core::model::{DecoderKind, Millis, RawRecord, Refusal, RefusalCode, Report};

/// Largest document that [`Decoder::decode_document`] splits, in bytes.
pub const MAX_DOCUMENT: usize = 64 << 20;

type Item = Result<Report<'static>, Refusal>;

impl Decoder {
    /// Decodes every report of a document: an RSS channel, an Atom feed, an EDXL distribution, a `FeatureCollection`, a
    /// list of service requests, a JSON array, JSON lines, or a single record. In the order of the document.
    ///
    /// # Errors
    /// When the document as a whole cannot be read, or holds nothing. Positions are offsets in the document.
    pub fn decode_document(&self, document: &[u8]) -> Result<Vec<Item>, Refusal> {
        check_size(document, MAX_DOCUMENT)?;
        let items = match self.feed.decoder {
            DecoderKind::Cap | DecoderKind::Rss => self.xml_document(document)?,
            DecoderKind::Open311 if xml::looks_like_xml(document) => self.xml_document(document)?,
            _ => self.json_document(document)?,
        };
        if items.is_empty() {
            return Err(Refusal::decode(
                RefusalCode::NoItems,
                "the document is well-formed and holds no report",
            ));
        }
        Ok(items)
    }

    fn xml_document(&self, document: &[u8]) -> Result<Vec<Item>, Refusal> {
        let text = xml::text(document)?;
        // A position in text that was transcoded is none in the document.
        let moved = matches!(text, Cow::Owned(_));
        let root = xml::parse(&text)?;
        let done = |report: Result<Report<'static>, Refusal>, start: usize| {
            let item = report.and_then(|report| finish(&self.feed, report));
            item.map_err(|refusal| Refusal {
                at: refusal.at.or(Some(start)).filter(|_| !moved),
                ..refusal
            })
        };
        let items = match self.feed.decoder {
            DecoderKind::Open311 => {
                let requests = open311::xml_items(&root)?;
                let starts = open311::xml_starts(&root);
                let read = |(request, start)| done(open311::read(self, request), start);
                requests.iter().zip(starts).map(read).collect()
            }
            DecoderKind::Rss => {
                let channel = rss::Channel::of(&root);
                rss::items(&root)?
                    .iter()
                    .map(|item| done(rss::read(self, &channel, item), item.start))
                    .collect()
            }
            _ => cap::items(&root)?
                .iter()
                .map(|alert| done(cap::read(self, alert), alert.start))
                .collect(),
        };
        Ok(numbered(items))
    }

    fn json_document(&self, document: &[u8]) -> Result<Vec<Item>, Refusal> {
        let text = utf8(document)?;
        let skipped = document.len() - text.len();
        if is_lines(text) {
            return Ok(self.lines(text, skipped));
        }
        match self.feed.decoder {
            DecoderKind::GeoJson | DecoderKind::Open311 => {
                let root = Json::parse(text)?;
                let read =
                    |item: &&Json<'_>| Ok(finish(&self.feed, self.json_item(item)?)?.into_owned());
                Ok(numbered(self.json_items(&root)?.iter().map(read).collect()))
            }
            _ => self.elements(text, skipped),
        }
    }

    /// One record a line; blank lines do not count.
    fn lines(&self, text: &str, skipped: usize) -> Vec<Item> {
        let mut start = skipped;
        let mut items = Vec::new();
        for line in text.split_inclusive('\n') {
            if !line.trim().is_empty() {
                items.push(self.record(line.trim_end(), start));
            }
            start += line.len();
        }
        items
    }

    /// A record, or an array of records.
    fn elements(&self, text: &str, skipped: usize) -> Result<Vec<Item>, Refusal> {
        let mut scanner = Scanner::new(text);
        if !scanner.take(b'[') {
            return Ok(vec![self.record(text, skipped)]);
        }
        let mut items = Vec::new();
        let mut first = true;
        while scanner.element(first)? {
            first = false;
            scanner.peek();
            let start = scanner.offset();
            scanner.skip(1)?;
            items.push(self.record(&text[start..scanner.offset()], skipped + start));
        }
        scanner.finish()?;
        Ok(items)
    }

    /// One record at an offset of the document.
    fn record(&self, text: &str, start: usize) -> Item {
        let read = || {
            check_size(text.as_bytes(), MAX_RECORD)?;
            self.decode(&RawRecord::new(text.as_bytes(), Millis(0)))
                .map(Report::into_owned)
        };
        read().map_err(|refusal| Refusal {
            at: Some(start + refusal.at.unwrap_or(0)),
            ..refusal
        })
    }
}

/// Which of several items was refused.
fn numbered(mut items: Vec<Item>) -> Vec<Item> {
    let count = items.len();
    for (item, number) in items.iter_mut().zip(1..).filter(|_| count > 1) {
        if let Err(refusal) = item {
            refusal.message = format!("item {number} of {count}: {}", refusal.message);
        }
    }
    items
}

/// JSON lines: the first line is an object of its own and not the only one.
fn is_lines(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first = lines
        .next()
        .is_some_and(|line| line.trim_start().starts_with('{') && line.trim_end().ends_with('}'));
    first && lines.next().is_some()
}
