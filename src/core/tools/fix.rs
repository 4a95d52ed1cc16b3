//! Safe fixes: what adds nothing is taken out of its file.
//!
//! Invariant: only whole lines and items of lists between brackets go, and only of findings whose removal changes nothing that a rule
//! matches; everything else of the file stays as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::lint::{CONTAINED_TERM, CONTAINED_VALUE, SHADOWED_TERM};
use crate::core::diagnostic::Diagnostic;
use crate::core::rule::codes::{DUPLICATE_TERM, UNUSED_SELECTION};

/// What a fix takes out.
enum Cut {
    Lines(Range<usize>),
    /// A line, and bytes of it.
    Within(usize, Range<usize>),
}

/// The text without what these findings of its file are about, and how many of them were fixed. Where two would take out the same
/// comma of a list, the second one is left for the next time.
pub fn fix(text: &str, findings: &[&Diagnostic]) -> (String, usize) {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut gone: BTreeSet<usize> = BTreeSet::new();
    let mut within: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
    let mut fixed = 0;
    for finding in findings.iter().filter(|finding| finding.line > 0) {
        let (at, column) = (finding.line - 1, finding.column);
        let word = finding.message.split('`').nth(1).unwrap_or_default();
        let lines_of = |range: Option<Range<usize>>| range.map(Cut::Lines);
        let cut = match finding.code {
            SHADOWED_TERM | CONTAINED_TERM | DUPLICATE_TERM => {
                lines_of(item(&lines, at, column)).or_else(|| listed(&lines, at, column, word))
            }
            CONTAINED_VALUE => valued(&lines, at, column, word),
            UNUSED_SELECTION => lines_of(block(&lines, at, column)),
            _ => None,
        };
        match cut {
            Some(Cut::Lines(range)) => gone.extend(range),
            Some(Cut::Within(at, range)) => {
                let cuts = within.entry(at).or_default();
                if cuts
                    .iter()
                    .any(|c| c.start < range.end && range.start < c.end)
                {
                    continue;
                }
                cuts.push(range);
            }
            None => continue,
        }
        fixed += 1;
    }
    let mut kept = String::with_capacity(text.len());
    for (at, line) in lines
        .iter()
        .enumerate()
        .filter(|(at, _)| !gone.contains(at))
    {
        let Some(cuts) = within.get_mut(&at) else {
            kept.push_str(line);
            continue;
        };
        cuts.sort_by_key(|cut| std::cmp::Reverse(cut.start));
        let mut line = (*line).to_owned();
        cuts.iter()
            .for_each(|cut| line.replace_range(cut.clone(), ""));
        if !line.trim().is_empty() {
            kept.push_str(&line);
        }
    }
    (kept, fixed)
}

/// A term in a list between brackets, with its comma.
fn listed(lines: &[&str], at: usize, column: usize, word: &str) -> Option<Cut> {
    let line = lines.get(at)?;
    let start = line.char_indices().nth(column.checked_sub(1)?)?.0;
    let length = item_length(&line[start..])?;
    if !line[start..start + length].contains(word) {
        return None;
    }
    with_comma(line, start..start + length).map(|range| Cut::Within(at, range))
}

/// A value of a list between brackets, on the line of the list's key, where it stands there once.
fn valued(lines: &[&str], at: usize, column: usize, word: &str) -> Option<Cut> {
    let line = lines.get(at)?;
    let key = line.char_indices().nth(column.checked_sub(1)?)?.0;
    let mut start = key + line[key..].find('[')? + 1;
    let mut found = None;
    loop {
        start += line[start..].len() - line[start..].trim_start().len();
        let length = item_length(&line[start..])?;
        if line[start..start + length].trim_matches(['\'', '"']) == word
            && found.replace(start..start + length).is_some()
        {
            return None;
        }
        start += length;
        start += line[start..].len() - line[start..].trim_start().len();
        match line[start..].chars().next()? {
            ',' => start += 1,
            ']' => break,
            _ => return None,
        }
    }
    with_comma(line, found?).map(|range| Cut::Within(at, range))
}

/// Bytes of the item that a text begins with, in a list between brackets; `None` where that is not plain to see.
fn item_length(text: &str) -> Option<usize> {
    let length = match text.chars().next()? {
        '{' => {
            let length = text.find('}')? + 1;
            let inside = &text[1..length - 1];
            return (!inside.contains(['{', '\'', '"', '#'])).then_some(length);
        }
        quote @ ('\'' | '"') => text[1..].find(quote)? + 2,
        _ => text.find([',', ']', '\n'])?,
    };
    let item = text[..length].trim_end();
    let follows = text[item.len()..].trim_start().chars().next();
    let plain = !item.is_empty() && !item.contains(['#', '\\', '{', '}', '[']);
    (plain && matches!(follows, Some(',' | ']') | None)).then_some(item.len())
}

/// An item with the comma after it, else with the one before it; `None` where it is the only one, or in no list.
fn with_comma(line: &str, item: Range<usize>) -> Option<Range<usize>> {
    let (before, after) = (line[..item.start].trim_end(), &line[item.end..]);
    if !(before.is_empty() || before.ends_with([',', '['])) {
        return None;
    }
    let rest = after.trim_start();
    if let Some(rest) = rest.strip_prefix(',') {
        let rest = rest.trim_start_matches(' ');
        let is_last = rest.trim().is_empty() && !before.is_empty();
        let start = if is_last { before.len() } else { item.start };
        return Some(start..line.len() - rest.len());
    }
    let first = before.strip_suffix(',')?;
    (rest.starts_with(']')).then_some(first.len()..item.end)
}

/// The line of a list item that stands alone on it.
fn item(lines: &[&str], at: usize, column: usize) -> Option<Range<usize>> {
    let line = lines.get(at)?;
    let before: String = line.chars().take(column.saturating_sub(1)).collect();
    let next = lines.get(at + 1).map_or("", |line| line);
    let ends =
        next.trim_start().starts_with('-') || indent(next) < indent(line) || next.trim().is_empty();
    (before.trim() == "-" && ends).then_some(at..at + 1)
}

/// The lines of a key and of everything below it.
fn block(lines: &[&str], at: usize, column: usize) -> Option<Range<usize>> {
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

#[cfg(test)]
mod tests {
    use super::fix;
    use crate::core::diagnostic::{Diagnostic, SourceFile};
    use crate::core::lexicon;
    use crate::core::rule;
    use crate::core::tools::lint::lint;

    /// The files without what `--fix` takes out of them, once.
    fn fixed(rules: &str, lexicons: &str) -> (String, String, usize) {
        let file = |name: &str, text: &str| SourceFile {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let (rules, lexicons) = ([file("r", rules)], [file("l", lexicons)]);
        let mut found = Vec::new();
        let _ = (
            rule::parse_set(&rules, &mut found),
            lexicon::parse(&lexicons[0], &mut found),
        );
        found.extend(lint(&rules, &lexicons, &[]));
        let of = |name: &str| {
            found
                .iter()
                .filter(|d| d.file == name)
                .collect::<Vec<&Diagnostic>>()
        };
        let (first, one) = fix(&rules[0].text, &of("r"));
        let (second, two) = fix(&lexicons[0].text, &of("l"));
        (first, second, one + two)
    }

    #[test]
    fn items_between_brackets_go_with_their_comma() {
        let lexicon = "lexicon: l\nterms: [冒烟, 大火, 起大火, {term: 火, unless: [火锅, 火]}, 'a b', 浓烟冒烟]\n---\nlexicon: m\nterms:\n  [\n    x, y x,\n    x,\n    b x\n  ]\n";
        let rule = |values: &str| {
            format!(
                "title: R\nid: r\ndetection:\n  a: {{any|contains: {values}, any|lexicon: [l, m]}}\n  condition: a\ntocsin: {{hazard: fire, score: {{base: 30}}}}\n"
            )
        };
        let (rules, lexicons, count) =
            fixed(&rule("['thick smoke', smoke, \"smoke here\"]"), lexicon);
        assert_eq!(rules, rule("[smoke]"));
        assert!(
            lexicons.starts_with("lexicon: l\nterms: [冒烟, 大火, 'a b']\n---\n"),
            "{lexicons}"
        );
        assert!(
            lexicons.contains("  [\n    x,\n    b x\n  ]\n"),
            "{lexicons}"
        );
        assert_eq!(count, 7);
        // What is not plain to see is left: a value twice, a list over several lines, an only item.
        for values in ["[smoke, a smoke, a smoke]", "[\n  smoke,\n  a smoke]"] {
            assert_eq!(
                fixed(&rule(values), "lexicon: l\nterms: [q]\n").0,
                rule(values)
            );
        }
    }
}
