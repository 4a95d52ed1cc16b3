//! `tocsin decode`: what becomes of a feed's file, for whoever connects a new feed.
//!
//! Invariant: decodes with the very code of `run`; reads files and writes lines, nothing else. What it prints for a report
//! is Tocsin JSON, masked, so that it can be sent to a feed or given to `tocsin replay`.

use std::io::{self, BufWriter, Read as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use clap::ValueEnum;
use serde::Deserialize;

use super::FAILED;
use crate::core::decode::{Decoder, MAX_DOCUMENT, TocsinJson};
use crate::core::model::{DecoderKind, Feed, FeedKind, Refusal, Report};

/// Arguments of `decode`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Format of the files; default: the feed's
    #[arg(long, value_enum, required_unless_present = "feed")]
    decoder: Option<Format>,
    /// TOML file with a `[[feeds]]` table: mapping, time zone, trust and kind are taken from it
    #[arg(long, value_name = "FILE")]
    feed: Option<PathBuf>,
    /// Which feed of that file, where it has several
    #[arg(long, value_name = "ID", requires = "feed")]
    feed_id: Option<String>,
    /// Print refusals as JSON lines on standard output, in the place of their reports
    #[arg(long)]
    json: bool,
    /// Files to decode; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Formats by the names that configurations use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lowercase")]
enum Format {
    Tocsin,
    Mapped,
    CloudEvents,
    Cap,
    Open311,
    GeoJson,
    Rss,
}

impl From<Format> for DecoderKind {
    fn from(format: Format) -> Self {
        match format {
            Format::Tocsin => Self::Tocsin,
            Format::Mapped => Self::Mapped,
            Format::CloudEvents => Self::CloudEvents,
            Format::Cap => Self::Cap,
            Format::Open311 => Self::Open311,
            Format::GeoJson => Self::GeoJson,
            Format::Rss => Self::Rss,
        }
    }
}

/// The part of a configuration that this command reads.
#[derive(Deserialize)]
struct FeedFile {
    #[serde(default)]
    feeds: Vec<Feed>,
}

/// Runs the command: exit code 1 when anything was refused.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let feed = feed(args)?;
    let id = feed.id.to_string();
    let decoder = Decoder::new(Arc::new(feed)).map_err(|error| anyhow!("feed {id}: {error}"))?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut refused = false;
    for path in &args.files {
        let name = path.display().to_string();
        let document = read(path).with_context(|| format!("cannot read {name}"))?;
        let items = decoder
            .decode_document(&document)
            .unwrap_or_else(|refusal| vec![Err(refusal)]);
        for item in items {
            match item {
                Ok(report) => line(&mut out, args.feed.is_some().then_some(&*id), &report)?,
                Err(refusal) => {
                    refused = true;
                    show(args, &mut out, &name, &document, &refusal)?;
                }
            }
        }
    }
    out.flush()?;
    Ok(if refused {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

/// One report as a line. It names its feed where that is one of a configuration, so that `tocsin replay` takes it for one of that feed.
fn line(out: &mut impl Write, feed: Option<&str>, report: &Report<'_>) -> anyhow::Result<()> {
    let object = serde_json::to_string(&TocsinJson(report))?;
    match (feed, object.strip_prefix('{')) {
        (Some(feed), Some(members)) => {
            let feed = serde_json::to_string(feed)?;
            write_line(out, &format!("{{\"feed\":{feed},{members}"))
        }
        _ => write_line(out, &object),
    }
}

/// The feed to decode as: from the file, or one that takes everything at its word but status.
fn feed(args: &Args) -> anyhow::Result<Feed> {
    let wanted = args.decoder.map(DecoderKind::from);
    let Some(path) = &args.feed else {
        let decoder = wanted.context("--decoder or --feed is needed")?;
        if decoder == DecoderKind::Mapped {
            bail!("the decoder `mapped` needs --feed FILE with the feed's mapping");
        }
        return Ok(Feed {
            id: "decode".into(),
            topic: "decode".to_owned(),
            decoder,
            kind: FeedKind::News,
            reliability: 50,
            home: None,
            trust_status: false,
            publisher: true,
            max_age_s: None,
            usual_gap_s: None,
            lang: None,
            time_zone: None,
            mapping: None,
        });
    };
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    let file: FeedFile =
        toml::from_str(&text).with_context(|| format!("{name} is not a feed configuration"))?;
    let fits = |feed: &Feed| {
        wanted.is_none_or(|decoder| feed.decoder == decoder)
            && args.feed_id.as_deref().is_none_or(|id| &*feed.id == id)
    };
    let mut feeds = file.feeds.into_iter().filter(fits);
    match (feeds.next(), feeds.next()) {
        (Some(feed), None) => Ok(feed),
        (None, _) => bail!("{name} has no `[[feeds]]` table of that decoder and id"),
        (Some(_), Some(_)) => bail!("{name} has several feeds: say which with --feed-id"),
    }
}

/// The file's bytes, but no more than can be decoded and one: the decoder refuses what is larger.
fn read(path: &std::path::Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_DOCUMENT as u64 + 1;
    if path.as_os_str() == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(path)?
            .take(limit)
            .read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// A line of JSON in which nothing steers the terminal it may be shown on: what JSON itself leaves as it is, is escaped.
fn write_line(out: &mut impl Write, line: &str) -> anyhow::Result<()> {
    let mut copied = 0;
    for (at, c) in line.char_indices() {
        if matches!(c, '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            out.write_all(&line.as_bytes()[copied..at])?;
            write!(out, "\\u{:04x}", u32::from(c))?;
            copied = at + c.len_utf8();
        }
    }
    out.write_all(&line.as_bytes()[copied..])?;
    out.write_all(b"\n")?;
    Ok(())
}

/// Says what was refused, where, and what to do.
fn show(
    args: &Args,
    out: &mut impl Write,
    name: &str,
    document: &[u8],
    refusal: &Refusal,
) -> anyhow::Result<()> {
    let (code, help) = (refusal.code.id(), refusal.code.help());
    let place = refusal.at.map(|at| position(document, at));
    if args.json {
        let line = serde_json::json!({
            "refused": {
                "file": name,
                "code": code,
                "message": refusal.message,
                "help": help,
                "byte": refusal.at,
                "line": place.map(|(line, _)| line),
                "column": place.map(|(_, column)| column),
            }
        });
        return write_line(out, &line.to_string());
    }
    // In order with the reports where both go to a terminal.
    out.flush()?;
    let mut err = io::stderr().lock();
    match (place, refusal.at) {
        (Some((line, column)), Some(at)) => {
            writeln!(
                err,
                "{name}:{line}:{column}: {code} {} (byte {at})",
                refusal.message
            )?;
        }
        _ => writeln!(err, "{name}: {code} {}", refusal.message)?,
    }
    writeln!(err, "  = help: {help}")?;
    Ok(())
}

/// 1-based line and column, the column in code points.
fn position(document: &[u8], at: usize) -> (usize, usize) {
    let before = &document[..at.min(document.len())];
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let column = before[start..]
        .iter()
        .filter(|byte| **byte & 0xC0 != 0x80)
        .count()
        + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::{position, write_line};

    #[test]
    fn lines_steer_no_terminal_and_say_the_same() {
        let text = "a\u{1b}[31m\u{9b}2J\u{7f}\u{202e}火";
        let mut out = Vec::new();
        write_line(&mut out, &serde_json::to_string(text).unwrap()).unwrap();
        let line = String::from_utf8(out).unwrap();
        assert_eq!(
            line.chars().filter(|c| c.is_control()).collect::<String>(),
            "\n"
        );
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }

    #[test]
    fn columns_count_code_points() {
        let document = "一\n二三x".as_bytes();
        assert_eq!(position(document, 0), (1, 1));
        assert_eq!(position(document, 4), (2, 1));
        assert_eq!(position(document, 10), (2, 3));
        assert_eq!(position(document, 999), (2, 4));
    }
}
