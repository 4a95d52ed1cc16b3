//! Entries of selections in the words of the rule language.

use crate::core::rule::{How, Item, Need, Op, Pattern, Test};

/// Values shown of one entry.
const MAX_SHOWN: usize = 6;

/// `any|contains: 爆炸, 闪爆, … 12 more`.
pub(super) fn item_text(item: &Item) -> String {
    let field = item.field.as_deref().unwrap_or("keywords");
    let (modifier, value) = match &item.test {
        Test::Text {
            how,
            cased,
            all,
            values,
            need,
        } => {
            let mut modifier = match how {
                How::Equals => String::new(),
                How::Contains => "|contains".to_owned(),
                How::StartsWith => "|startswith".to_owned(),
                How::EndsWith => "|endswith".to_owned(),
                How::Word => "|word".to_owned(),
            };
            modifier.push_str(if *cased { "|cased" } else { "" });
            modifier.push_str(if *all { "|all" } else { "" });
            let values: Vec<&str> = values.iter().map(source).collect();
            (modifier + &need_text(*need), list(&values))
        }
        Test::Lexicon { names, all, need } => {
            let all = if *all { "|all" } else { "" };
            let names: Vec<&str> = names.iter().map(|(name, _)| &**name).collect();
            (format!("|lexicon{all}{}", need_text(*need)), list(&names))
        }
        Test::Regex { values, all, .. } => {
            let values: Vec<&str> = values.iter().map(|(source, _)| &**source).collect();
            (
                (if *all { "|re|all" } else { "|re" }).to_owned(),
                list(&values),
            )
        }
        Test::Compare { op, value } => {
            let op = match op {
                Op::Lt => "|lt",
                Op::Lte => "|lte",
                Op::Gt => "|gt",
                Op::Gte => "|gte",
                Op::Neq => "|neq",
            };
            (op.to_owned(), value.to_string())
        }
        Test::Exists(wanted) => ("|exists".to_owned(), wanted.to_string()),
        Test::Near {
            of: [(a, _), (b, _)],
            within,
        } => ("|near".to_owned(), format!("{a} and {b} within {within}")),
    };
    format!("{field}{modifier}: {value}")
}

fn source(pattern: &Pattern) -> &str {
    if pattern.null {
        "null"
    } else {
        &pattern.source
    }
}

fn need_text(need: Need) -> String {
    match need {
        Need {
            count: 0..=1,
            weight: 0,
        } => String::new(),
        Need { count, weight: 0 } => format!(" (≥ {count} terms)"),
        Need { weight, .. } => format!(" (weight ≥ {weight})"),
    }
}

fn list(values: &[&str]) -> String {
    let mut text = values[..values.len().min(MAX_SHOWN)].join(", ");
    if values.len() > MAX_SHOWN {
        text.push_str(&format!(", … {} more", values.len() - MAX_SHOWN));
    }
    text
}
