//! Safe fixes: what adds nothing is taken out of its file.
//!
//! Invariant: only items of lists and selections go, with their own comments, and only of findings whose removal changes nothing that a
//! rule matches; everything else of the file stays as it is. A file that would not be read as before, or would hold an empty list, stays whole.

use std::ops::Range;

use super::lint::{CONTAINED_TERM, CONTAINED_VALUE, SHADOWED_TERM};
use crate::core::diagnostic::Diagnostic;
use crate::core::normalise::normalise;
use crate::core::rule::codes::{DUPLICATE_TERM, UNUSED_SELECTION};
use crate::core::yaml::{self, Data, Findings, Node};

/// Bytes that a fix takes out.
type Cuts = Vec<Range<usize>>;

/// The text without what these findings of its file are about, and how many of them were fixed. Where two would take out the same
/// comma of a list, the second one is left for the next time.
pub fn fix(text: &str, findings: &[&Diagnostic]) -> (String, usize) {
    let file = File::new(text);
    let mut all: Cuts = Vec::new();
    let mut fixed = 0;
    for finding in findings {
        let Some(start) = file.offset(finding.line, finding.column) else {
            continue;
        };
        let word = finding.message.split('`').nth(1).unwrap_or_default();
        let cuts = match finding.code {
            SHADOWED_TERM | CONTAINED_TERM | DUPLICATE_TERM => file.entry(start, |item| {
                item.contains(word) || said(item).is_some_and(|said| said.trim() == word)
            }),
            CONTAINED_VALUE => file.entry(start, |item| {
                said(item).is_some_and(|said| normalise(&said) == word)
            }),
            UNUSED_SELECTION => {
                let whole = file.block(start).map(|range| vec![range]);
                whole.or_else(|| file.listed(start, |item| item.starts_with(word)))
            }
            _ => None,
        };
        let Some(cuts) = cuts else { continue };
        let meets = |cut: &Range<usize>| all.iter().any(|c| c.start < cut.end && cut.start < c.end);
        if !cuts.iter().any(meets) {
            all.extend(cuts);
            fixed += 1;
        }
    }
    all.sort_by_key(|cut| cut.start);
    let (mut kept, mut from) = (String::with_capacity(text.len()), 0);
    for cut in all {
        kept.push_str(&text[from..cut.start]);
        from = cut.end;
    }
    kept.push_str(&text[from..]);
    let ((documents, findings, empty), now) = (shape(text), shape(&kept));
    if now.0 == documents && now.1 <= findings && now.2 <= empty {
        (kept, fixed)
    } else {
        (text.to_owned(), 0)
    }
}

/// Documents, findings, and values that are nothing, of a file.
fn shape(text: &str) -> (usize, usize, usize) {
    fn empty(node: &Node) -> usize {
        match &node.data {
            Data::Scalar { .. } => usize::from(node.is_null()),
            Data::List(items) if items.is_empty() => 1,
            Data::List(items) => items.iter().map(empty).sum(),
            Data::Map(entries) => entries.iter().map(|(_, value)| empty(value)).sum(),
        }
    }
    let mut findings = Findings::new("");
    let documents = yaml::parse(text, &mut findings);
    let empty = documents.iter().map(empty).sum();
    (documents.len(), findings.list.len(), empty)
}

/// A file and where its lines begin.
struct File<'t> {
    text: &'t str,
    lines: Vec<usize>,
}

/// An item of a list between brackets: its end, and the character after it with its place.
struct Item {
    end: usize,
    stop: usize,
    by: u8,
}

impl<'t> File<'t> {
    fn new(text: &'t str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        Self { text, lines }
    }

    fn offset(&self, line: usize, column: usize) -> Option<usize> {
        let start = *self.lines.get(line.checked_sub(1)?)?;
        let skipped = self.line(start).chars().take(column.checked_sub(1)?);
        Some(start + skipped.map(char::len_utf8).sum::<usize>())
    }

    /// The bytes of the line that a place is in, with its end.
    fn line_of(&self, at: usize) -> Range<usize> {
        let number = self.lines.partition_point(|start| *start <= at);
        let start = self.lines[number.saturating_sub(1)];
        start..self.lines.get(number).copied().unwrap_or(self.text.len())
    }

    fn line(&self, at: usize) -> &'t str {
        &self.text[self.line_of(at)]
    }

    /// An item of a list, of either form, if it is the one that is meant.
    fn entry(&self, start: usize, meant: impl Fn(&str) -> bool) -> Option<Cuts> {
        let line = self.line_of(start);
        if self.text[line.start..start].trim() != "-" {
            return self.listed(start, meant);
        }
        let range = self.below(line, indent);
        meant(self.text[start..range.end].trim_end()).then(|| vec![range])
    }

    /// The lines of a key and of everything below it.
    fn block(&self, start: usize) -> Option<Range<usize>> {
        let line = self.line_of(start);
        let own = indent(self.line(start));
        // A list under a key may stand as far left as the key.
        let depth = |line: &str| indent(line) + usize::from(line.trim_start().starts_with("- "));
        (line.start + own == start).then(|| self.below(line, depth))
    }

    /// A line, and those after it that stand deeper; blank ones only among them.
    fn below(&self, line: Range<usize>, depth: impl Fn(&str) -> usize) -> Range<usize> {
        let own = indent(&self.text[line.clone()]);
        let (mut end, mut next) = (line.end, line.end);
        while next < self.text.len() {
            let range = self.line_of(next);
            let line = &self.text[range.clone()];
            next = range.end;
            if line.trim().is_empty() {
                continue;
            }
            if depth(line) <= own {
                break;
            }
            end = next;
        }
        line.start..end
    }

    /// An item of a list (or map) between brackets with its comma, if it is the one that is meant and not the only one.
    fn listed(&self, start: usize, meant: impl Fn(&str) -> bool) -> Option<Cuts> {
        let (before, bare) = self.before(start)?;
        let item = self.item(start)?;
        if !matches!(self.text.as_bytes()[before], b',' | b'[' | b'{')
            || !meant(&self.text[start..item.end])
        {
            return None;
        }
        let first = self.line_of(start).start;
        let last = self.line_of(item.stop);
        let begins = self.text[first..start].trim().is_empty();
        let rest = |from: usize| self.text[from..last.end].trim();
        let spaces = |from: usize| {
            from + self.text[from..].len() - self.text[from..].trim_start_matches(' ').len()
        };
        if item.by == b',' {
            let after = item.stop + 1;
            let ends = rest(after).is_empty() || rest(after).starts_with('#');
            return Some(vec![if begins && ends {
                first..last.end
            } else if rest(after).is_empty() && bare {
                before + 1..after
            } else {
                start..spaces(after)
            }]);
        }
        if self.text.as_bytes()[before] != b',' {
            return None;
        }
        let end = self.line_of(item.end - 1).end;
        let after = self.text[item.end..end].trim();
        let alone = begins && (after.is_empty() || after.starts_with('#'));
        // Where a comment stands between, the comma stays, which a list may end with.
        let comma = (alone && bare).then_some(before..before + 1);
        let item = match (alone, bare) {
            (true, _) => first..end,
            (false, true) => before..item.end,
            (false, false) => start..item.end,
        };
        Some(comma.into_iter().chain([item]).collect())
    }

    /// Place of the last character before, but for blanks and comments, and whether there are only blanks between.
    fn before(&self, start: usize) -> Option<(usize, bool)> {
        let (mut end, mut bare) = (start, true);
        loop {
            let line = self.line_of(end.checked_sub(1)?);
            let full = &self.text[line.start..end];
            let code = uncommented(full);
            bare &= code.len() == full.len();
            let code = code.trim_end();
            if !code.is_empty() {
                return Some((line.start + code.len() - 1, bare));
            }
            end = line.start;
        }
    }

    /// The item that begins here; `None` where its list does not end.
    fn item(&self, start: usize) -> Option<Item> {
        let bytes = self.text.as_bytes();
        let (mut at, mut end, mut depth, mut fresh) = (start, start, 0_usize, true);
        while let Some(byte) = bytes.get(at).copied() {
            let blank = at == start || bytes[at - 1].is_ascii_whitespace();
            match byte {
                b'#' if blank => {
                    at = self.line_of(at).end;
                    continue;
                }
                b'\'' | b'"' if fresh => {
                    at = quoted(bytes, at)?;
                    (end, fresh) = (at, false);
                    continue;
                }
                b',' | b']' | b'}' if depth == 0 => {
                    let by = byte;
                    return (end > start).then_some(Item { end, stop: at, by });
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth -= 1,
                _ => {}
            }
            at += 1;
            if !byte.is_ascii_whitespace() {
                end = at;
                fresh = matches!(byte, b'[' | b'{' | b',' | b':');
            }
        }
        None
    }
}

/// The place after a quoted text that begins here.
fn quoted(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = bytes[start];
    let mut at = start + 1;
    loop {
        match *bytes.get(at)? {
            b'\\' if quote == b'"' => at += 2,
            byte if byte == quote && quote == b'\'' && bytes.get(at + 1) == Some(&quote) => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// A line, or its beginning, without its comment.
fn uncommented(line: &str) -> &str {
    let bytes = line.as_bytes();
    let (mut at, mut fresh) = (0, true);
    while let Some(byte) = bytes.get(at).copied() {
        let blank = at == 0 || bytes[at - 1].is_ascii_whitespace();
        if byte == b'#' && blank {
            return &line[..at];
        }
        if fresh && matches!(byte, b'\'' | b'"') {
            at = quoted(bytes, at).unwrap_or(bytes.len());
            fresh = false;
            continue;
        }
        at += 1;
        if !byte.is_ascii_whitespace() {
            fresh = matches!(byte, b'[' | b'{' | b',' | b':' | b'-');
        }
    }
    line
}

/// What an item says: a value, or the term of a map.
fn said(item: &str) -> Option<String> {
    let documents = yaml::parse(item, &mut Findings::new(""));
    let node = documents.first()?;
    let text = node.text().or_else(|| node.get("term")?.text());
    text.map(str::to_owned)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests;
