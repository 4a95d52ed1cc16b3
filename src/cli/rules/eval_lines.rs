//! Lines in and lines out of `tocsin rules eval`: neither is to cost more than the evaluation between them.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write as _};
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::core::rule::sigma::Firing;

/// Longest event, bytes.
const MAX_EVENT: usize = 64 << 20;
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

/// Calls `take` for every line, without its end, where it stands in the buffer: only one that goes beyond that is copied. What
/// exceeds [`MAX_EVENT`] is cut there.
pub(super) fn each_line(
    mut input: impl BufRead,
    mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut begun: Vec<u8> = Vec::new();
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        let mut rest = buffer;
        while let Some(length) = memchr::memchr(b'\n', rest) {
            if begun.is_empty() {
                take(&rest[..length])?;
            } else {
                begun.extend_from_slice(&rest[..length]);
                take(&begun)?;
                begun.clear();
            }
            rest = &rest[length + 1..];
        }
        begun.extend_from_slice(rest);
        if begun.len() > MAX_EVENT {
            take(&begun[..MAX_EVENT])?;
            begun.drain(..MAX_EVENT);
        }
        let used = buffer.len();
        input.consume(used);
    }
    if begun.is_empty() {
        return Ok(());
    }
    take(&begun)
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

pub(super) fn open(path: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::BufReader::with_capacity(BUFFER, io::stdin())));
    }
    let file =
        std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Box::new(io::BufReader::with_capacity(BUFFER, file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_wherever_the_buffer_ends() {
        let text = "a\n\nlonger than most\r\nlast";
        for capacity in 1..text.len() + 2 {
            let mut lines = Vec::new();
            each_line(
                io::BufReader::with_capacity(capacity, text.as_bytes()),
                |line| {
                    lines.push(String::from_utf8_lossy(line).into_owned());
                    Ok(())
                },
            )
            .unwrap();
            assert_eq!(lines, text.split('\n').collect::<Vec<_>>(), "{capacity}");
        }
    }

    #[test]
    fn an_error_ends_the_reading() {
        let mut count = 0;
        let ended = each_line("a\nb\nc\n".as_bytes(), |_| {
            count += 1;
            anyhow::ensure!(count < 2, "enough");
            Ok(())
        });
        assert!(ended.is_err());
        assert_eq!(count, 2);
    }
}
