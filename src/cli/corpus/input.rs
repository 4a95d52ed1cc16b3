//! Lines of a file or of standard input, packed or not, with a progress bar.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read};
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::core::decode::MAX_RECORD;

/// Longest line kept: beyond a record's limit only its size matters.
pub(super) const MAX_LINE: usize = MAX_RECORD + 1;

/// Reads a line without its end; false at the end of input. What exceeds [`MAX_LINE`] is read and dropped.
pub(in crate::cli) fn read_line(
    reader: &mut (dyn BufRead + Send),
    line: &mut Vec<u8>,
) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let available = reader.fill_buf()?;
        if available.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = memchr::memchr(b'\n', available);
        let part = &available[..end.unwrap_or(available.len())];
        let room = MAX_LINE.saturating_sub(line.len()).min(part.len());
        line.extend_from_slice(&part[..room]);
        let used = end.map_or(available.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(true);
        }
    }
}

pub(in crate::cli) fn open_input(
    input: &Path,
    bar: &ProgressBar,
) -> io::Result<Box<dyn BufRead + Send>> {
    let raw: Box<dyn Read + Send> = if input.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(input)?)
    };
    let counted = bar.wrap_read(raw);
    Ok(
        if input.extension().is_some_and(|extension| extension == "gz") {
            Box::new(BufReader::new(flate2::read::MultiGzDecoder::new(counted)))
        } else {
            Box::new(BufReader::with_capacity(1 << 16, counted))
        },
    )
}

/// Counts what has no known end, on a terminal only.
pub(in crate::cli) fn spinner(what: &str) -> ProgressBar {
    let bar = ProgressBar::no_length();
    if !io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    match ProgressStyle::with_template(&format!("{{spinner}} {{pos}} {what}  {{per_sec}}")) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

pub(in crate::cli) fn progress(input: &Path) -> ProgressBar {
    let size = std::fs::metadata(input)
        .map(|file| file.len())
        .ok()
        .filter(|size| *size > 0);
    let hidden = !io::stderr().is_terminal();
    let (bar, template) = match size {
        Some(size) => (
            ProgressBar::new(size),
            "{bar:40} {percent:>3} %  {bytes_per_sec}  {eta} left",
        ),
        None => (
            ProgressBar::no_length(),
            "{spinner} {bytes}  {bytes_per_sec}",
        ),
    };
    if hidden {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
