//! Some lines of a corpus, and what detect made of them.

use std::io;
use std::ops::Range;

use super::source::{Source, Taken};
use crate::core::detect::DetectOutput;
use crate::core::model::{DetectOutcome, Millis, RawRecord};
use crate::core::replay::{Detecting, Line, Reading};

/// Lines of a chunk.
const LINES: usize = 512;
/// Bytes from which on a chunk takes no further line; with the last one it is at most a record longer.
const BYTES: usize = 2 << 20;

/// Records with their numbers.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    records: Vec<Kept>,
    /// Records of earlier chunks.
    pub(super) before: i64,
}

/// A record of a chunk.
#[derive(Debug)]
struct Kept {
    /// One-based number in the input.
    number: u64,
    /// Place in the bytes.
    at: Range<usize>,
    /// Of a topic: its time, and its headers.
    received: Option<Millis>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Chunk {
    /// Reads the next one. One without records is the end of input.
    pub(super) fn read(source: &mut (dyn Source + Send), before: i64) -> io::Result<Self> {
        let mut chunk = Self {
            before,
            ..Self::default()
        };
        let mut taken = Taken::default();
        while chunk.records.len() < LINES && chunk.bytes.len() < BYTES && source.take(&mut taken)? {
            let start = chunk.bytes.len();
            chunk.bytes.extend_from_slice(&taken.bytes);
            chunk.records.push(Kept {
                number: taken.number,
                at: start..chunk.bytes.len(),
                received: taken.received,
                headers: std::mem::take(&mut taken.headers),
            });
        }
        Ok(chunk)
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// The records with their one-based numbers.
    pub(super) fn records(&self) -> impl Iterator<Item = (u64, RawRecord<'_>)> {
        self.records.iter().map(|kept| {
            let received = kept.received.unwrap_or(Millis::MIN);
            (kept.number, self.raw(kept, received))
        })
    }

    /// A record as its feed's decoder is to see it, received at `received`.
    fn raw<'a>(&'a self, kept: &'a Kept, received: Millis) -> RawRecord<'a> {
        let headers = kept.headers.iter();
        RawRecord {
            headers: headers.map(|(name, value)| (&**name, &**value)).collect(),
            ..RawRecord::new(&self.bytes[kept.at.clone()], received)
        }
    }

    /// Every record as a report, or the reason why not.
    pub(super) fn decode(&self, reading: &Reading) -> Vec<Line<'_>> {
        let records = self.records.iter();
        records
            .map(|kept| match kept.received {
                Some(received) => reading.record(&self.raw(kept, received)),
                None => reading.read(&self.bytes[kept.at.clone()]),
            })
            .collect()
    }

    /// Detect of one rule set on the decoded lines, received at `times`.
    pub(super) fn detect(
        &self,
        decoded: Vec<Line<'_>>,
        times: &[Millis],
        detecting: &mut Detecting,
    ) -> Detected {
        let mut found = Detected::default();
        let mut out = DetectOutput::default();
        let numbered = (self.before..).zip(&self.records);
        for ((read, received), (offset, kept)) in decoded.into_iter().zip(times).zip(numbered) {
            let record = self.raw(kept, *received);
            let outcome = detecting.detect_record(&record, read, offset, &mut out);
            let led = out.refusal.is_some()
                || out.retraction.is_some()
                || !out.detections.is_empty()
                || !out.shadow.is_empty();
            found
                .lines
                .push((outcome, led.then(|| Box::new(std::mem::take(&mut out)))));
            out.clear();
        }
        found
    }
}

/// What detect of one rule set made of the lines of a chunk, in their order.
#[derive(Debug, Default)]
pub(super) struct Detected {
    pub(super) lines: Vec<(DetectOutcome, Option<Box<DetectOutput>>)>,
}
