//! Where `rules explain` takes its record from, and what went before it.
//!
//! Invariant: nothing is read without a bound: a record up to the limit of records, history line by line, a topic within its range;
//! of what went before, the last [`MAX_EARLIER`] detections are held against the record.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use anyhow::Context as _;

use super::super::Misused;
use super::super::corpus::{Lines, Source as _, Taken, Topic};
use super::explain::Args;
use super::explain_report::{Earliest, Report, Unread};
use crate::config::Settings;
use crate::core::decode::{Decoder, MAX_RECORD};
use crate::core::fingerprint::{distance, near};
use crate::core::model::{Detection, Feed, Fingerprint, Millis};
use crate::core::replay::{ReplayOutput, Replayer};
use crate::core::tools::backtest::Refused;
use crate::kafka::range::{Bound, Range};
use crate::telemetry::wall_clock;

/// Detections of earlier records that are compared with.
const MAX_EARLIER: usize = 10_000;

/// What went before the record.
#[derive(Default)]
pub(super) struct Earlier {
    /// Those that were read.
    pub(super) records: u64,
    pub(super) unread: Option<Unread>,
    prints: VecDeque<(String, Arc<str>, String, Fingerprint)>,
}

impl Earlier {
    /// Keeps what the record of this number led to.
    fn keep(&mut self, out: &ReplayOutput, number: u64) {
        if let Some(refusal) = &out.refusal {
            let unread = self.unread.get_or_insert_with(|| Unread {
                records: 0,
                first: Refused::new(number, refusal),
            });
            unread.records += 1;
            return;
        }
        self.records += 1;
        for (detection, _) in &out.detections {
            let Some(print) = detection.report.fingerprint else {
                continue;
            };
            if self.prints.len() == MAX_EARLIER {
                self.prints.pop_front();
            }
            let (feed, id) = (
                Arc::clone(&detection.report.feed),
                detection.report.id.clone(),
            );
            self.prints
                .push_back((detection.key.clone(), feed, id, print));
        }
    }

    /// For each detection the earlier report of its incident key whose text is nearest.
    pub(super) fn compare(&self, report: &mut Report) {
        let nearest = |detection: &Detection| {
            let print = detection.report.fingerprint?;
            let own =
                |feed: &str, id: &str| *feed == *detection.report.feed && id == detection.report.id;
            let same_key = self
                .prints
                .iter()
                .filter(|(key, feed, id, _)| *key == detection.key && !own(feed, id));
            let compared = same_key.filter_map(|(_, feed, id, other)| {
                Some((distance(print, *other)?, feed, id, near(print, *other)))
            });
            let (bits, feed, id, near) = compared.min_by_key(|(bits, ..)| *bits)?;
            Some(Earliest {
                feed: Arc::clone(feed),
                report: id.clone(),
                bits,
                near,
            })
        };
        report.nearest = report
            .detections
            .iter()
            .map(|(detection, _)| nearest(detection))
            .collect();
    }
}

/// The record's bytes; a text that is no JSON becomes a Tocsin JSON record where one is expected.
pub(super) fn from_file(
    args: &Args,
    replayer: &mut Replayer,
    earlier: &mut Earlier,
) -> anyhow::Result<Taken> {
    if let Some(path) = &args.history {
        let (mut lines, bar) = Lines::open(path)?;
        let mut taken = Taken::default();
        let mut out = ReplayOutput::default();
        while lines
            .take(&mut taken)
            .with_context(|| format!("{}", path.display()))?
        {
            out.clear();
            replayer.line(&taken.bytes, &mut out);
            earlier.keep(&out, taken.number);
        }
        bar.finish_and_clear();
    }
    let named = || format!("{}", args.input.display());
    let source: Box<dyn Read> = if args.input.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(&args.input).with_context(named);
        Box::new(file.map_err(Misused::from_error)?)
    };
    let mut bytes = Vec::new();
    // Beyond a record's limit only its size matters.
    source
        .take(MAX_RECORD as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(named)
        .map_err(Misused::from_error)?;
    let plain = args.feed.is_none() && args.decoder.is_none();
    if plain
        && !bytes.trim_ascii_start().starts_with(b"{")
        && bytes.len() <= MAX_RECORD
        // What is no UTF-8 is refused as that, as on a feed.
        && let Ok(text) = std::str::from_utf8(bytes.trim_ascii())
    {
        bytes = serde_json::json!({"id": "report", "text": text})
            .to_string()
            .into_bytes();
    }
    Ok(Taken {
        bytes,
        ..Taken::default()
    })
}

/// The record of a topic that has the id, or stands at the position; what is read before it runs through the replayer.
pub(super) fn from_topic(
    args: &Args,
    settings: &Settings,
    mut range: Range,
    feed: &Arc<Feed>,
    replayer: &mut Replayer,
    earlier: &mut Earlier,
) -> anyhow::Result<Taken> {
    let (topic, decoder) = (
        range.topic.clone(),
        Decoder::new(Arc::clone(feed)).map_err(Misused)?,
    );
    if let Some(at) = args.at
        && args.topic.from.is_none()
    {
        // Without a beginning nothing but the record itself is asked for.
        range.partition = Some(at.partition);
        range.from = Bound::Offset(at.offset);
        range.to = Bound::Offset(at.offset + 1);
    } else if args.id.is_none() && args.at.is_none() {
        let why = "--topic: which record of it? Say --id ID or --at PARTITION/OFFSET";
        return Err(Misused(why.to_owned()).into());
    }
    let (mut source, bar) = Topic::open(&settings.kafka_settings(), &range, wall_clock())?;
    let mut out = ReplayOutput::default();
    let mut taken = Taken::default();
    while source.take(&mut taken).with_context(|| topic.clone())? {
        let is_it = match (args.at, &args.id) {
            (Some(at), _) => taken.position == Some((at.partition, at.offset)),
            (None, Some(id)) => {
                let decoded = decoder.decode(&taken.raw(Millis::MIN));
                decoded.is_ok_and(|report| *report.id == **id)
            }
            (None, None) => false,
        };
        if is_it {
            bar.finish_and_clear();
            return Ok(taken);
        }
        out.clear();
        replayer.record(&taken.raw(Millis::MIN), &mut out);
        earlier.keep(&out, taken.number);
    }
    bar.finish_and_clear();
    let which = match (args.at, &args.id) {
        (Some(at), _) => format!("no record at {at}"),
        (_, id) => format!(
            "no report with the id `{}`",
            id.as_deref().unwrap_or_default()
        ),
    };
    let why = format!(
        "{topic}: {which} among {} records of the range; --from and --to say where it is looked for",
        earlier.records + earlier.unread.as_ref().map_or(0, |unread| unread.records)
    );
    Err(Misused(why).into())
}
