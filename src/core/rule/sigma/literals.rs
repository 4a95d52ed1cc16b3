//! What a text must contain for a regular expression to match: the literals that the automaton looks for before it.
//!
//! Invariant: when the expression matches a text, the folded text contains one of the folded literals.

use regex_syntax::hir::{Hir, HirKind};

use super::fold::{char_fold, fold};

/// Literals for one expression; more are worth less than the look at them.
const MAX_LITERALS: usize = 32;
/// Shortest literal worth looking for, characters.
const MIN_LENGTH: usize = 3;
/// Characters of a class that are tried one by one.
const MAX_CLASS: usize = 8;
/// Longest literal, characters.
const MAX_LENGTH: usize = 24;

/// The folded literals of which a matching text has one; none where there are no good ones.
pub(super) fn required(
    source: &str,
    case_insensitive: bool,
    multi_line: bool,
    dot_all: bool,
) -> Vec<String> {
    let parsed = regex_syntax::ParserBuilder::new()
        .case_insensitive(case_insensitive)
        .multi_line(multi_line)
        .dot_matches_new_line(dot_all)
        .build()
        .parse(source);
    let found = parsed
        .ok()
        .and_then(|hir| needed(&hir, 0))
        .unwrap_or_default();
    if length(&found) < MIN_LENGTH {
        Vec::new()
    } else {
        found
    }
}

/// How good a choice is: the length of its shortest literal, characters.
fn length(literals: &[String]) -> usize {
    literals
        .iter()
        .map(|l| l.chars().count())
        .min()
        .unwrap_or(0)
}

fn better(a: Option<Vec<String>>, b: Option<Vec<String>>) -> Option<Vec<String>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if length(&b) > length(&a) { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// Literals of which every match contains one.
fn needed(hir: &Hir, depth: usize) -> Option<Vec<String>> {
    if depth > 64 {
        return None;
    }
    if let Some(exact) = exact(hir, depth) {
        return Some(exact);
    }
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = fold(std::str::from_utf8(&literal.0).ok()?);
            Some(vec![text.chars().take(MAX_LENGTH).collect()])
        }
        HirKind::Capture(capture) => needed(&capture.sub, depth + 1),
        HirKind::Repetition(repetition) if repetition.min > 0 => needed(&repetition.sub, depth + 1),
        HirKind::Concat(parts) => {
            let (mut best, mut run): (Option<Vec<String>>, Option<Vec<String>>) = (None, None);
            for part in parts {
                let grown = exact(part, depth + 1).and_then(|e| match &run {
                    None => Some(e),
                    Some(run) => cross(run, &e),
                });
                if grown.is_some() {
                    run = grown;
                } else {
                    best = better(best, run.take());
                    // What could not be joined may begin a run of its own.
                    run = exact(part, depth + 1);
                    if run.is_none() {
                        best = better(best, needed(part, depth + 1));
                    }
                }
            }
            better(best, run)
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(needed(part, depth + 1)?);
            }
            (all.len() <= MAX_LITERALS).then_some(all)
        }
        _ => None,
    }
}

/// All texts that it matches, folded, where they are few.
fn exact(hir: &Hir, depth: usize) -> Option<Vec<String>> {
    if depth > 64 {
        return None;
    }
    let texts = match hir.kind() {
        // An empty match and what looks at the place only are part of any literal.
        HirKind::Empty | HirKind::Look(_) => vec![String::new()],
        HirKind::Literal(literal) => vec![fold(std::str::from_utf8(&literal.0).ok()?)],
        HirKind::Class(regex_syntax::hir::Class::Unicode(class)) => {
            let count: usize = class
                .iter()
                .map(regex_syntax::hir::ClassUnicodeRange::len)
                .sum();
            if count > MAX_CLASS {
                return None;
            }
            let characters = class.iter().flat_map(|range| range.start()..=range.end());
            characters.map(|c| char_fold(c).to_string()).collect()
        }
        HirKind::Capture(capture) => exact(&capture.sub, depth + 1)?,
        HirKind::Concat(parts) => {
            let mut all = vec![String::new()];
            for part in parts {
                all = cross(&all, &exact(part, depth + 1)?)?;
            }
            all
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(exact(part, depth + 1)?);
            }
            all
        }
        _ => return None,
    };
    distinct(texts)
}

fn cross(left: &[String], right: &[String]) -> Option<Vec<String>> {
    let joined = left
        .iter()
        .flat_map(|a| right.iter().map(move |b| format!("{a}{b}")));
    distinct(joined.collect())
}

fn distinct(mut texts: Vec<String>) -> Option<Vec<String>> {
    texts.sort_unstable();
    texts.dedup();
    let fits = texts.len() <= MAX_LITERALS && texts.iter().all(|t| t.chars().count() <= MAX_LENGTH);
    fits.then_some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn literals_of_expressions() {
        for (source, insensitive, expected) in [
            ("CMD\\.exe", false, vec!["cmd.exe"]),
            ("cmd\\.exe", true, vec!["cmd.exe"]),
            (".*(foo1|bar2).*", false, vec!["bar2", "foo1"]),
            ("^a.*longer", false, vec!["longer"]),
            ("[a-z]+x", false, vec![]),
            ("(?:abcd)?", false, vec![]),
            ("task", true, vec!["task"]),
            ("ab[0-9]{3}\\\\tmp\\\\", false, vec!["\\tmp\\"]),
        ] {
            assert_eq!(
                required(source, insensitive, false, false),
                expected,
                "{source}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_match_has_one_of_them(source in "(\\(\\?i\\))?([abK]{1,3}|[ab]\\*|\\.|\\[ab\\]|\\(ab\\|ba\\)|a\\?|\\(aab\\)\\+){1,5}", text in "[abABkK]{0,12}") {
            if let Ok(regex) = regex::Regex::new(&source) && regex.is_match(&text) {
                let literals = required(&source, false, false, false);
                prop_assert!(literals.is_empty() || literals.iter().any(|l| fold(&text).contains(l.as_str())), "{:?}", literals);
            }
        }
    }
}
