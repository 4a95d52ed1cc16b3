//! Log lines: for people by default, JSON by option, to standard error.
//!
//! Invariant: whatever is logged, a line is one line and cannot steer a terminal: control characters are written as
//! `\u00XX`. No line holds report text; that is up to the callers.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Format, Log};

/// Starts logging for the process. Later calls change nothing and return false.
pub fn init_logs(log: &Log) -> bool {
    init(log, &log.level)
}

/// The same for a command that says itself what fails: without the Kafka client's own lines, a screen of them for every broker that does
/// not answer, unless somebody asks for more than `info`.
pub fn init_command_logs(log: &Log) -> bool {
    if log.level.contains("debug") || log.level.contains("trace") {
        return init_logs(log);
    }
    init(log, &format!("{},librdkafka=off", log.level))
}

fn init(log: &Log, level: &str) -> bool {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Escaping);
    match log.format {
        Format::Human => builder.with_target(false).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    }
    .is_ok()
}

/// Makes writers to standard error that escape control characters.
#[derive(Clone, Copy, Debug)]
struct Escaping;

impl<'a> MakeWriter<'a> for Escaping {
    type Writer = EscapingWriter<io::Stderr>;

    fn make_writer(&'a self) -> Self::Writer {
        EscapingWriter(io::stderr())
    }
}

/// Escapes every control character but the line break that ends a write.
struct EscapingWriter<W>(W);

impl<W: Write> Write for EscapingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let body = text.strip_suffix('\n').unwrap_or(&text);
        let mut line = String::with_capacity(text.len());
        for c in body.chars() {
            if c.is_control() || is_steering(c) {
                line.push_str(&format!("\\u{:04x}", u32::from(c)));
            } else {
                line.push(c);
            }
        }
        if body.len() < text.len() {
            line.push('\n');
        }
        self.0.write_all(line.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Line separators and characters that reorder what a terminal shows.
fn is_steering(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_and_harmless() {
        let mut out = EscapingWriter(Vec::new());
        out.write_all("a\nb\x1b[31m\u{9b}\u{202e}火\n".as_bytes())
            .unwrap();
        assert_eq!(
            String::from_utf8(out.0).unwrap(),
            "a\\u000ab\\u001b[31m\\u009b\\u202e火\n"
        );
    }
}
