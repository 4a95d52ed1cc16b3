//! Safe fixes: what adds nothing is taken out of its file.
//!
//! Invariant: only whole lines go, and only of findings whose removal changes nothing that a rule matches; everything else of
//! the file stays as it is.

use std::collections::BTreeSet;

use super::lint::{CONTAINED_TERM, SHADOWED_TERM};
use crate::core::diagnostic::Diagnostic;
use crate::core::rule::codes::{DUPLICATE_TERM, UNUSED_SELECTION};

/// The text without what these findings of its file are about, and how many of them were fixed.
pub fn fix(text: &str, findings: &[&Diagnostic]) -> (String, usize) {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut gone: BTreeSet<usize> = BTreeSet::new();
    let mut fixed = 0;
    for finding in findings.iter().filter(|finding| finding.line > 0) {
        let at = finding.line - 1;
        let remove = match finding.code {
            SHADOWED_TERM | CONTAINED_TERM | DUPLICATE_TERM => item(&lines, at, finding.column),
            UNUSED_SELECTION => block(&lines, at, finding.column),
            _ => None,
        };
        if let Some(remove) = remove {
            gone.extend(remove);
            fixed += 1;
        }
    }
    let kept = lines
        .iter()
        .enumerate()
        .filter(|(at, _)| !gone.contains(at));
    (kept.map(|(_, line)| *line).collect(), fixed)
}

/// The line of a list item that stands alone on it.
fn item(lines: &[&str], at: usize, column: usize) -> Option<std::ops::Range<usize>> {
    let line = lines.get(at)?;
    let before: String = line.chars().take(column.saturating_sub(1)).collect();
    let next = lines.get(at + 1).map_or("", |line| line);
    let ends =
        next.trim_start().starts_with('-') || indent(next) < indent(line) || next.trim().is_empty();
    (before.trim() == "-" && ends).then_some(at..at + 1)
}

/// The lines of a key and of everything below it.
fn block(lines: &[&str], at: usize, column: usize) -> Option<std::ops::Range<usize>> {
    let line = lines.get(at)?;
    if indent(line) != column.saturating_sub(1) {
        return None;
    }
    let deeper = |line: &&&str| {
        indent(line) > indent(lines[at])
            || line.trim_start().starts_with("- ") && indent(line) == indent(lines[at])
    };
    let below = lines[at + 1..].iter().take_while(deeper).count();
    Some(at..at + 1 + below)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}
