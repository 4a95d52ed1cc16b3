//! The gazetteer's files: bytes in, rows out, with a diagnostic for every row that is wrong.
//!
//! Invariant: nothing is read from disk here; the shell hands over names and bytes. A file whose name ends in `.gz` is
//! decompressed in memory, to at most [`MAX_FILE_BYTES`].

use std::io::Read as _;

use super::codes;
use crate::core::diagnostic::{Diagnostic, Gravity};
use crate::core::model::{Coordinates, Tier, WIDE};

/// Largest gazetteer file after decompression.
pub(super) const MAX_FILE_BYTES: u64 = 64 << 20;

/// Most rows of all files together.
pub(super) const MAX_ROWS: usize = 1 << 20;

/// One file as the shell read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaceFile {
    /// Path or embedded name. The last part decides what the file is: `exposure.csv`, `names.csv`, `codes.csv`,
    /// `guarded.txt`, and every other `*.csv` or `*.csv.gz` is a list of places; the rest (a README, a script) is ignored.
    pub name: String,
    /// Contents.
    pub bytes: Vec<u8>,
}

/// What a gazetteer is built from: every file of the places folder, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GazetteerSources {
    /// The files.
    pub files: Vec<PlaceFile>,
}

/// What a file is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Places,
    Names,
    Guarded,
    Codes,
    Exposure,
    Other,
}

impl PlaceFile {
    pub(super) fn kind(&self) -> FileKind {
        let base = self.name.rsplit('/').next().unwrap_or(&self.name);
        let plain = base.strip_suffix(".gz").unwrap_or(base);
        match plain {
            "exposure.csv" => FileKind::Exposure,
            "names.csv" => FileKind::Names,
            "guarded.txt" => FileKind::Guarded,
            "codes.csv" => FileKind::Codes,
            other if other.strip_suffix(".csv").is_some() => FileKind::Places,
            _ => FileKind::Other,
        }
    }

    /// The text of the file, decompressed where its name says so.
    pub(super) fn text(&self) -> Result<String, Diagnostic> {
        let mut text = String::new();
        let read = if self.name.strip_suffix(".gz").is_some() {
            flate2::read::GzDecoder::new(&self.bytes[..])
                .take(MAX_FILE_BYTES + 1)
                .read_to_string(&mut text)
        } else {
            (&self.bytes[..])
                .take(MAX_FILE_BYTES + 1)
                .read_to_string(&mut text)
        };
        match read {
            Err(error) => Err(whole_file(
                &self.name,
                codes::UNREADABLE,
                &format!("not readable as text: {error}"),
            )),
            Ok(length) if length as u64 > MAX_FILE_BYTES => Err(whole_file(
                &self.name,
                codes::UNREADABLE,
                &format!("larger than {MAX_FILE_BYTES} bytes"),
            )),
            Ok(_) => Ok(text),
        }
    }
}

/// A place as its file states it. Empty strings are absent values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PlaceRow {
    pub code: String,
    pub tier: Tier,
    pub parent: String,
    pub name: String,
    pub name_zh: String,
    /// Chinese name without its suffix; `!` before it means that it is also an ordinary word.
    pub short_zh: String,
    pub coordinates: Option<Coordinates>,
    pub population: u32,
}

/// A diagnostic about a row or a whole file.
pub(super) fn at_line(file: &str, line: usize, code: &'static str, message: &str) -> Diagnostic {
    Diagnostic {
        code,
        gravity: Gravity::Error,
        file: file.to_owned(),
        line,
        column: 1,
        length: 1,
        message: message.to_owned(),
        help: None,
    }
}

pub(super) fn whole_file(file: &str, code: &'static str, message: &str) -> Diagnostic {
    at_line(file, 0, code, message)
}

/// The records of a CSV text with their line numbers, checked for the columns `header`.
///
/// Lines that start with `#` are comments.
pub(super) fn records(
    file: &str,
    text: &str,
    header: &[&str],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(usize, csv::StringRecord)> {
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .flexible(false)
        .from_reader(text.as_bytes());
    match reader.headers() {
        Ok(found) if found.iter().eq(header.iter().copied()) => {}
        Ok(_) | Err(_) => {
            let wanted = format!("the first row must be `{}`", header.join(","));
            diagnostics.push(at_line(file, 1, codes::HEADER, &wanted));
            return Vec::new();
        }
    }
    let mut rows = Vec::new();
    for record in reader.into_records() {
        match record {
            Ok(row) => {
                let line = row.position().map_or(0, |at| at.line() as usize);
                rows.push((line, row));
            }
            Err(error) => {
                let line = error.position().map_or(0, |at| at.line() as usize);
                diagnostics.push(at_line(file, line, codes::LINE, &error.to_string()));
            }
        }
    }
    rows
}

const PLACE_HEADER: [&str; 9] = [
    "code",
    "tier",
    "parent",
    "name",
    "name_zh",
    "short_zh",
    "lat",
    "lon",
    "population",
];

/// The rows of a file of places.
pub(super) fn place_rows(
    file: &str,
    text: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<PlaceRow> {
    let mut rows = Vec::new();
    for (line, record) in records(file, text, &PLACE_HEADER, diagnostics) {
        match place_row(&record) {
            Ok(row) => rows.push(row),
            Err(message) => diagnostics.push(at_line(file, line, codes::VALUE, &message)),
        }
    }
    rows
}

fn place_row(record: &csv::StringRecord) -> Result<PlaceRow, String> {
    let field = |index: usize| record.get(index).unwrap_or_default();
    let code = field(0);
    if code.is_empty() || code.len() > 64 {
        return Err("a place needs a code of 1 to 64 bytes".to_owned());
    }
    if code.starts_with(WIDE) || code.contains('/') {
        // It is a part of incident keys.
        return Err(format!(
            "the code `{code}` begins with `{WIDE}` or has a `/`; write it without"
        ));
    }
    let tier = tier(field(1)).ok_or_else(|| format!("`{}` is not a tier", field(1)))?;
    if field(3).is_empty() && field(4).is_empty() {
        return Err(format!("`{code}` has no name"));
    }
    if field(3).len() > 255 || field(4).len() > 255 || field(5).len() > 255 {
        return Err(format!("a name of `{code}` is longer than 255 bytes"));
    }
    let population = match field(8) {
        "" => 0,
        text => text
            .parse()
            .map_err(|_| format!("`{text}` is not a population"))?,
    };
    Ok(PlaceRow {
        code: code.to_owned(),
        tier,
        parent: field(2).to_owned(),
        name: field(3).to_owned(),
        name_zh: field(4).to_owned(),
        short_zh: field(5).to_owned(),
        coordinates: coordinates(field(6), field(7))?,
        population,
    })
}

fn tier(id: &str) -> Option<Tier> {
    Tier::ALL.into_iter().find(|tier| tier.id() == id)
}

/// Two decimal degrees, or none when both are empty.
pub(super) fn coordinates(lat: &str, lon: &str) -> Result<Option<Coordinates>, String> {
    if lat.is_empty() && lon.is_empty() {
        return Ok(None);
    }
    let parsed = lat.parse().ok().zip(lon.parse().ok());
    parsed
        .and_then(|(lat, lon)| Coordinates::new(lat, lon))
        .map(Some)
        .ok_or_else(|| format!("`{lat},{lon}` are not degrees of latitude and longitude"))
}
