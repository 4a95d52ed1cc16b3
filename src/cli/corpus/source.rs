//! Where the records of a corpus come from: lines of a file or of standard input, or a range of a topic.
//!
//! Invariant: a source gives its records in one order, the same each time.

use std::io::{self, BufRead};
use std::path::Path;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::input::{MAX_LINE, open_input, progress, read_line};
use crate::cli::Misused;
use crate::core::decode::MAX_RECORD;
use crate::core::model::{Millis, RawRecord};
use crate::kafka::KafkaSettings;
use crate::kafka::range::{Range, RangeReader};

/// A record on its way.
#[derive(Debug, Default)]
pub(in crate::cli) struct Taken {
    pub(in crate::cli) bytes: Vec<u8>,
    /// One-based: of the line, or of the record in the range.
    pub(in crate::cli) number: u64,
    /// Of a topic: the time of the record, and its headers.
    pub(in crate::cli) received: Option<Millis>,
    pub(in crate::cli) headers: Vec<(String, Vec<u8>)>,
    /// Partition and offset.
    pub(in crate::cli) position: Option<(i32, i64)>,
}

impl Taken {
    /// As a feed's decoder is to see it, received at `received` where it says no time of its own.
    pub(in crate::cli) fn raw(&self, received: Millis) -> RawRecord<'_> {
        let headers = self.headers.iter();
        RawRecord {
            headers: headers.map(|(name, value)| (&**name, &**value)).collect(),
            ..RawRecord::new(&self.bytes, self.received.unwrap_or(received))
        }
    }
}

/// Records in their order.
pub(in crate::cli) trait Source {
    /// Puts the next record in place of what `taken` holds; false at the end.
    fn take(&mut self, taken: &mut Taken) -> io::Result<bool>;
}

/// Lines that are not blank.
pub(in crate::cli) struct Lines {
    reader: Box<dyn BufRead + Send>,
    number: u64,
}

impl Lines {
    pub(in crate::cli) fn new(reader: Box<dyn BufRead + Send>) -> Self {
        Self { reader, number: 0 }
    }

    /// The lines of a file, or of standard input; the bar shows how far they are read.
    pub(in crate::cli) fn open(input: &Path) -> anyhow::Result<(Self, ProgressBar)> {
        if input.is_dir() {
            let why = format!(
                "{}: a folder; a file of JSON lines is expected",
                input.display()
            );
            return Err(Misused(why).into());
        }
        let bar = progress(input);
        let reader = open_input(input, &bar)
            .with_context(|| format!("{}", input.display()))
            .map_err(Misused::from_error)?;
        Ok((Self::new(reader), bar))
    }
}

impl Source for Lines {
    fn take(&mut self, taken: &mut Taken) -> io::Result<bool> {
        while read_line(&mut *self.reader, &mut taken.bytes)? {
            self.number += 1;
            debug_assert!(taken.bytes.len() <= MAX_LINE);
            if !taken.bytes.iter().all(u8::is_ascii_whitespace) {
                taken.number = self.number;
                taken.received = None;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A range of a topic.
pub(in crate::cli) struct Topic {
    reader: RangeReader,
    bar: ProgressBar,
    number: u64,
    /// No record is of a later time than the wall clock.
    now: Millis,
}

impl Topic {
    /// Opens a range; the bar shows how far it is read.
    pub(in crate::cli) fn open(
        settings: &KafkaSettings,
        range: &Range,
        now: Millis,
    ) -> anyhow::Result<(Self, ProgressBar)> {
        let reader = RangeReader::open(settings, range, now).map_err(Misused::from_error)?;
        let bar = ProgressBar::new(reader.offsets());
        if !io::IsTerminal::is_terminal(&io::stderr()) {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let template = "{bar:40} {percent:>3} %  {per_sec} records  {eta} left";
        let bar = match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        };
        let source = Self {
            reader,
            bar: bar.clone(),
            number: 0,
            now,
        };
        Ok((source, bar))
    }
}

impl Source for Topic {
    fn take(&mut self, taken: &mut Taken) -> io::Result<bool> {
        let Some(record) = self.reader.read().map_err(io::Error::other)? else {
            return Ok(false);
        };
        self.bar.inc(1);
        self.number += 1;
        taken.bytes = record.payload;
        // Beyond a record's limit only its size matters.
        taken.bytes.truncate(MAX_RECORD + 1);
        taken.number = self.number;
        taken.received = Some(record.at.min(self.now).clamped());
        taken.headers = record.headers;
        taken.position = Some((record.partition, record.offset));
        Ok(true)
    }
}
