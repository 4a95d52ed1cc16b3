//! [`Document`]s as YAML again: what is printed and read once more is the same document.

use std::fmt::Write as _;

use super::syntax::{Body, Correlation, Detection, Document, Entry, Group, Reference, Scalar};
use crate::core::rule::Condition;

/// A document as a YAML document, without `---`.
pub fn print(document: &Document) -> String {
    let mut out = String::new();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(out, "{key}: {}", quoted(value));
    };
    line("title", &document.title);
    if let Some(id) = &document.id {
        line("id", id);
    }
    if let Some(name) = &document.name {
        line("name", name);
    }
    match &document.body {
        Body::Rule(detection) => {
            out.push_str("detection:\n");
            self::detection(detection, 1, &mut out);
        }
        Body::Filter(filter) => {
            out.push_str("filter:\n  rules:");
            match &filter.rules {
                None => out.push_str(" any\n"),
                Some(rules) => references(rules, &mut out),
            }
            self::detection(&filter.detection, 1, &mut out);
        }
        Body::Correlation(correlation) => self::correlation(correlation, &mut out),
    }
    out
}

/// Names as a list behind a key at the second level.
fn references(rules: &[Reference], out: &mut String) {
    let names: Vec<String> = rules.iter().map(|r| r.name.clone()).collect();
    list(&names, out);
}

fn list(names: &[String], out: &mut String) {
    let names: Vec<String> = names.iter().map(|n| quoted(n)).collect();
    let _ = writeln!(out, " [{}]", names.join(", "));
}

fn correlation(correlation: &Correlation, out: &mut String) {
    let _ = write!(
        out,
        "correlation:\n  type: {}\n  rules:",
        correlation.kind.word()
    );
    references(&correlation.rules, out);
    if !correlation.aliases.is_empty() {
        out.push_str("  aliases:\n");
        for (alias, fields) in &correlation.aliases {
            let fields: Vec<String> = fields
                .iter()
                .map(|(rule, field)| format!("{}: {}", quoted(&rule.name), quoted(field)))
                .collect();
            let _ = writeln!(out, "    {}: {{{}}}", quoted(alias), fields.join(", "));
        }
    }
    if !correlation.group_by.is_empty() {
        out.push_str("  group-by:");
        list(&correlation.group_by, out);
    }
    let _ = writeln!(out, "  timespan: {}", correlation.timespan);
    if !correlation.bounds.is_empty() || !correlation.fields.is_empty() {
        out.push_str("  condition:\n");
        if !correlation.fields.is_empty() {
            out.push_str("    field:");
            list(&correlation.fields, out);
        }
        for (bound, limit) in &correlation.bounds {
            let _ = writeln!(out, "    {}: {limit}", bound.word());
        }
        if let Some(rank) = correlation.percentile {
            let _ = writeln!(out, "    percentile: {rank}");
        }
    }
    let _ = writeln!(out, "  generate: {}", correlation.generate);
}

fn indent(depth: usize, out: &mut String) {
    (0..depth).for_each(|_| out.push_str("  "));
}

pub(super) fn detection(detection: &Detection, depth: usize, out: &mut String) {
    for selection in &detection.selections {
        indent(depth, out);
        let _ = writeln!(out, "{}:", quoted(&selection.name));
        group(&selection.group, depth + 1, out);
    }
    let names: Vec<&str> = detection
        .selections
        .iter()
        .map(|s| s.name.as_str())
        .collect();
    indent(depth, out);
    out.push_str("condition:\n");
    for one in &detection.conditions {
        indent(depth + 1, out);
        let _ = writeln!(out, "- {}", quoted(&condition(one, &names)));
    }
}

/// A group as a block of its own.
fn group(of: &Group, depth: usize, out: &mut String) {
    match of {
        Group::All(parts) => parts.iter().for_each(|part| group(part, depth, out)),
        Group::Any(parts) => {
            for part in parts {
                indent(depth, out);
                out.push_str("-\n");
                group(part, depth + 1, out);
            }
        }
        Group::Entry(entry) => self::entry(entry, depth, out),
    }
}

fn entry(entry: &Entry, depth: usize, out: &mut String) {
    let mut depth = depth;
    // Keywords without modifiers are bare values.
    if entry.field.is_some() || !entry.modifiers.is_empty() {
        let mut key = entry.field.clone().unwrap_or_default();
        for modifier in &entry.modifiers {
            key.push('|');
            key.push_str(modifier.name());
        }
        indent(depth, out);
        let _ = writeln!(out, "{}:", quoted(&key));
        depth += 1;
    }
    for value in &entry.values {
        indent(depth, out);
        out.push_str(if entry.list { "- " } else { "" });
        let _ = match &value.scalar {
            Scalar::Text(text) => writeln!(out, "{}", quoted(text)),
            Scalar::Number(_, text) => writeln!(out, "{text}"),
            Scalar::Bool(flag) => writeln!(out, "{flag}"),
            Scalar::Null => writeln!(out, "null"),
        };
    }
}

/// A condition over names, with a parenthesis around every part of it that has parts; named conditions by what they say.
pub(in crate::core::rule) fn condition(of: &Condition, names: &[&str]) -> String {
    text(of, names, false)
}

/// The same, with the names of conditions that have one.
pub(in crate::core::rule) fn named_condition(of: &Condition, names: &[&str]) -> String {
    text(of, names, true)
}

fn text(of: &Condition, names: &[&str], named: bool) -> String {
    let inner = |part: &Condition| {
        let inside = text(part, names, named);
        match unnamed(part, named) {
            Condition::Selection(_) | Condition::Not(_) | Condition::Named(..) => inside,
            Condition::And(_) | Condition::Or(_) => format!("({inside})"),
        }
    };
    let join = |parts: &[Condition], word: &str| {
        let parts: Vec<String> = parts.iter().map(inner).collect();
        parts.join(word)
    };
    match of {
        Condition::And(parts) => join(parts, " and "),
        Condition::Or(parts) => join(parts, " or "),
        Condition::Not(part) => format!("not {}", inner(part)),
        Condition::Selection(index) => names.get(*index).copied().unwrap_or_default().to_owned(),
        Condition::Named(name, _) if named => name.to_string(),
        Condition::Named(_, part) => text(part, names, named),
    }
}

/// What is written of a part: where names are not, what they stand for.
fn unnamed(part: &Condition, named: bool) -> &Condition {
    match part {
        Condition::Named(_, part) if !named => unnamed(part, named),
        _ => part,
    }
}

/// A double-quoted scalar.
pub(in crate::core::rule) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control()
                || matches!(
                    c,
                    '\u{85}' | '\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}'
                ) =>
            {
                let _ = if u32::from(c) < 0x100 {
                    write!(out, "\\x{:02x}", u32::from(c))
                } else {
                    write!(out, "\\u{:04x}", u32::from(c))
                };
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
