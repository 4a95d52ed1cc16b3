//! Lines in and lines out of `tocsin rules eval`: neither is to cost more than the evaluation between them.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write as _};
use std::path::Path;

use serde::Serialize;

use super::super::Misused;
use crate::core::rule::sigma::Firing;

/// Longest event, bytes.
pub(super) const MAX_EVENT: usize = 64 << 20;
/// Read and written at once, bytes: what stays in the caches.
const BUFFER: usize = 1 << 18;

#[derive(Serialize)]
pub(super) struct Match<'a> {
    pub(super) event: u64,
    pub(super) rule_id: &'a str,
    pub(super) selections: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) correlation: Option<Correlated<'a>>,
}

#[derive(Serialize)]
pub(super) struct Correlated<'a> {
    group: &'a BTreeMap<String, String>,
    value: f64,
    events: usize,
    from: String,
    to: String,
}

impl<'a> From<&'a Firing> for Correlated<'a> {
    fn from(firing: &'a Firing) -> Self {
        let time = |ms| {
            jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |t| t.to_string())
        };
        Self {
            group: &firing.group,
            value: firing.value,
            events: firing.events,
            from: time(firing.from),
            to: time(firing.to),
        }
    }
}

/// Calls `take` for every line, without its end, where it stands in the buffer: only one that goes beyond that is copied. Of a line longer
/// than `longest` bytes it gets what fits, and `false`; it is still one line.
pub(super) fn each_line(
    name: &Path,
    mut input: impl BufRead,
    longest: usize,
    mut take: impl FnMut(&[u8], bool) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut begun = Begun {
        longest,
        ..Begun::default()
    };
    loop {
        let buffer = input.fill_buf().map_err(|error| unreadable(name, &error))?;
        if buffer.is_empty() {
            break;
        }
        let mut rest = buffer;
        while let Some(length) = memchr::memchr(b'\n', rest) {
            if begun.bytes.is_empty() && length <= longest {
                take(&rest[..length], true)?;
            } else {
                begun.extend(&rest[..length]);
                begun.end(&mut take)?;
            }
            rest = &rest[length + 1..];
        }
        begun.extend(rest);
        let used = buffer.len();
        input.consume(used);
    }
    if begun.bytes.is_empty() {
        return Ok(());
    }
    begun.end(&mut take)
}

/// A line whose end was not read yet.
#[derive(Default)]
struct Begun {
    longest: usize,
    bytes: Vec<u8>,
    cut: bool,
}

impl Begun {
    fn extend(&mut self, more: &[u8]) {
        let room = self.longest - self.bytes.len();
        self.cut |= more.len() > room;
        self.bytes.extend_from_slice(&more[..more.len().min(room)]);
    }

    fn end(
        &mut self,
        take: &mut impl FnMut(&[u8], bool) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        take(&self.bytes, !self.cut)?;
        self.bytes.clear();
        self.cut = false;
        Ok(())
    }
}

/// Lines on the way to standard output.
#[derive(Default)]
pub(super) struct Output(Vec<u8>);

impl Output {
    pub(super) fn line(&mut self, shown: &Match<'_>) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.0, shown)?;
        self.0.push(b'\n');
        if self.0.len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&self.0)?;
        stdout.flush()?;
        self.0.clear();
        Ok(())
    }
}

fn unreadable(path: &Path, error: &io::Error) -> anyhow::Error {
    Misused(format!("cannot read {}: {error}", path.display())).into()
}

pub(super) fn open(path: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::BufReader::with_capacity(BUFFER, io::stdin())));
    }
    let file = std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    Ok(Box::new(io::BufReader::with_capacity(BUFFER, file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, capacity: usize, longest: usize) -> Vec<(String, bool)> {
        let mut lines = Vec::new();
        let input = io::BufReader::with_capacity(capacity, text.as_bytes());
        each_line(Path::new("-"), input, longest, |line, whole| {
            lines.push((String::from_utf8_lossy(line).into_owned(), whole));
            Ok(())
        })
        .unwrap();
        lines
    }

    #[test]
    fn lines_are_whole_wherever_the_buffer_ends() {
        let text = "a\n\nlonger than most\r\nlast";
        for capacity in 1..text.len() + 2 {
            let expected: Vec<_> = text.split('\n').map(|l| (l.to_owned(), true)).collect();
            assert_eq!(lines(text, capacity, 100), expected, "{capacity}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_one_line_all_the_same() {
        let text = "a\n123456789\nbcd\n12345";
        for capacity in 1..text.len() + 2 {
            let found = lines(text, capacity, 4);
            let expected = [("a", true), ("1234", false), ("bcd", true), ("1234", false)];
            assert_eq!(found, expected.map(|(l, whole)| (l.to_owned(), whole)));
        }
    }

    #[test]
    fn an_error_ends_the_reading() {
        let mut count = 0;
        let ended = each_line(Path::new("-"), "a\nb\nc\n".as_bytes(), 10, |_, _| {
            count += 1;
            anyhow::ensure!(count < 2, "enough");
            Ok(())
        });
        assert!(ended.is_err());
        assert_eq!(count, 2);
    }
}
