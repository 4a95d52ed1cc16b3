//! Positions: where each leaf of a TOML file stands.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::errors::codes;
use super::feeds::MAX_FEEDS;
use super::load::code_of;
use crate::core::diagnostic::{Diagnostic, Gravity, SourceFile};

/// A key path with its value and its place.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// `section.key`; `feeds` for each entry of the array.
    pub(super) key: String,
    pub(super) value: toml::Value,
    pub(super) file: String,
    /// Of the key.
    pub(super) at: Place,
}

/// 1-based line and column, length in code points.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) length: usize,
}

impl Leaf {
    /// A finding at this leaf.
    pub(super) fn diagnostic(&self, message: &str) -> Diagnostic {
        diagnostic(&self.file, self.at, code_of(message), message)
    }
}

/// Most settings of one file: each that is wrong is tried alone.
pub(super) const MAX_LEAVES: usize = 4096;
/// Most errors of syntax that are shown of one file.
const MAX_ERRORS: usize = 100;

/// Leaves, of which one beyond [`MAX_LEAVES`] says that there are too many, or what is wrong with the syntax.
pub(super) struct Located {
    pub(super) leaves: Vec<Leaf>,
    pub(super) errors: Vec<Diagnostic>,
}

/// Finds every leaf of a file.
pub(super) fn located(source: &SourceFile) -> Located {
    let (root, errors) = DeTable::parse_recoverable(&source.text);
    let errors = errors
        .iter()
        .take(MAX_ERRORS)
        .map(|error| {
            let at = place(&source.text, error.span().unwrap_or(0..0));
            diagnostic(&source.name, at, codes::SYNTAX, error.message())
        })
        .collect();
    let mut leaves = Vec::new();
    walk("", root.get_ref(), source, &mut leaves);
    Located { leaves, errors }
}

fn walk(path: &str, table: &DeTable<'_>, source: &SourceFile, leaves: &mut Vec<Leaf>) {
    for (key, value) in table {
        if leaves.len() > MAX_LEAVES {
            return;
        }
        let name = key.get_ref();
        let path = if path.is_empty() {
            name.to_string()
        } else {
            format!("{path}.{name}")
        };
        // The names of these properties contain dots: the table is one leaf.
        let is_leaf = path == "kafka.properties";
        if let DeValue::Table(inner) = value.get_ref()
            && !is_leaf
        {
            walk(&path, inner, source, leaves);
            continue;
        }
        // Feeds have their own reader, which goes into each entry.
        if path == "feeds" {
            continue;
        }
        if let Ok(owned) = read::<toml::Value>(value) {
            leaves.push(Leaf {
                key: path,
                value: owned,
                file: source.name.clone(),
                at: place(&source.text, key.span()),
            });
        }
    }
}

/// Each entry of the array of tables `name`, read as a `T`, or why it is none, at its place.
pub(super) fn entries<T: DeserializeOwned>(
    source: &SourceFile,
    name: &str,
) -> Result<Vec<Result<(T, Place), Diagnostic>>, Vec<Diagnostic>> {
    let (root, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        return Err(located(source).errors);
    }
    let Some(value) = root.get_ref().get(name) else {
        return Ok(Vec::new());
    };
    let Some(array) = value.get_ref().as_array() else {
        let at = place(&source.text, value.span());
        let message = format!("`{name}` has to be an array of tables: [[{name}]]");
        return Err(vec![diagnostic(
            &source.name,
            at,
            codes::BAD_VALUE,
            &message,
        )]);
    };
    Ok(array
        .iter()
        .take(MAX_FEEDS + 1)
        .map(|entry| {
            let at = place(&source.text, entry.span());
            read::<T>(entry).map(|item| (item, at)).map_err(|error| {
                let at = error.span().map_or(at, |span| place(&source.text, span));
                let message = error.message();
                diagnostic(&source.name, at, code_of(message), message)
            })
        })
        .collect())
}

fn read<T: DeserializeOwned>(value: &Spanned<DeValue<'_>>) -> Result<T, toml::de::Error> {
    T::deserialize(ValueDeserializer::from(value.clone()))
}

/// Byte range → place.
pub(super) fn place(text: &str, span: Range<usize>) -> Place {
    let start = span.start.min(text.len());
    let before = text.get(..start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = span.end.clamp(start, text.len());
    let marked = text.get(start..end).unwrap_or("");
    Place {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or("").chars().count() + 1,
        length: marked.lines().next().unwrap_or("").chars().count().max(1),
    }
}

/// A finding at a place.
pub(super) fn diagnostic(file: &str, at: Place, code: &'static str, message: &str) -> Diagnostic {
    Diagnostic {
        code,
        gravity: Gravity::Error,
        file: file.to_owned(),
        line: at.line,
        column: at.column,
        length: at.length,
        message: message.to_owned(),
        help: None,
    }
}
