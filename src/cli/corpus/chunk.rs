//! Some lines of a corpus, and what detect made of them.

use std::io::{self, BufRead};
use std::ops::Range;

use super::input::{MAX_LINE, read_line};
use crate::core::detect::DetectOutput;
use crate::core::model::{DetectOutcome, Millis};
use crate::core::replay::{Detecting, Line, Reading};

/// Lines of a chunk.
const LINES: usize = 512;
/// Bytes from which on a chunk takes no further line; with the last one it is at most [`MAX_LINE`] longer.
const BYTES: usize = 2 << 20;

/// Lines that are not blank, with their numbers.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    /// One-based number in the input, and place in the bytes.
    lines: Vec<(u64, Range<usize>)>,
    /// Lines of earlier chunks.
    pub(super) before: i64,
}

impl Chunk {
    /// Reads the next one; `number` counts all lines. One without lines is the end of input.
    pub(super) fn read(
        reader: &mut (dyn BufRead + Send),
        number: &mut u64,
        before: i64,
    ) -> io::Result<Self> {
        let mut chunk = Self {
            before,
            ..Self::default()
        };
        let mut line = Vec::new();
        while chunk.lines.len() < LINES
            && chunk.bytes.len() < BYTES
            && read_line(reader, &mut line)?
        {
            *number += 1;
            debug_assert!(line.len() <= MAX_LINE);
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let start = chunk.bytes.len();
            chunk.bytes.extend_from_slice(&line);
            chunk.lines.push((*number, start..chunk.bytes.len()));
        }
        Ok(chunk)
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The lines with their one-based numbers.
    pub(super) fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let bytes = &self.bytes;
        self.lines
            .iter()
            .map(move |(number, range)| (*number, &bytes[range.clone()]))
    }

    /// Every line as a report, or the reason why not.
    pub(super) fn decode(&self, reading: &Reading) -> Vec<Line<'_>> {
        self.lines().map(|(_, line)| reading.read(line)).collect()
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
        let numbered = (self.before..).zip(self.lines());
        for ((read, received), (offset, (_, line))) in decoded.into_iter().zip(times).zip(numbered)
        {
            let outcome = detecting.detect(line, read, *received, offset, &mut out);
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
