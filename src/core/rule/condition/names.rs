//! What a condition may name: selections, and other conditions.

use std::cell::Cell;

use crate::core::rule::codes;
use crate::core::yaml::{At, Findings, Node};

/// What a condition may name.
#[derive(Default)]
pub(in crate::core::rule) struct Names<'n> {
    pub selections: Vec<&'n str>,
    /// `tocsin.conditions`; their place in `used` is behind the selections.
    pub conditions: Vec<(&'n str, &'n Node)>,
    /// Where everything is placed that was taken over from other rules.
    pub inherited: Option<At>,
    /// There may be more: those of the rules that extend this one.
    pub open: bool,
    /// Selections that conditions of the rule named so far, with those of the conditions that they named.
    pub named: Cell<usize>,
    /// Bytes of the conditions that were read so far, as often as they were named.
    pub read: Cell<usize>,
}

impl Names<'_> {
    /// Selections and conditions.
    pub(in crate::core::rule) fn len(&self) -> usize {
        self.selections.len() + self.conditions.len()
    }
}

/// The named conditions of a rule, and whether each can have its name.
pub(in crate::core::rule) fn conditions<'n>(
    block: Option<&'n Node>,
    selections: &[&str],
    findings: &mut Findings<'_>,
) -> Vec<(&'n str, &'n Node)> {
    let Some(block) = block else {
        return Vec::new();
    };
    let entries = findings.map_of(block, codes::WRONG_TYPE, "`tocsin.conditions`");
    let mut named = Vec::new();
    for (key, value) in entries.unwrap_or_default() {
        let name = key.text.as_str();
        let word = !name.is_empty()
            && name
                .chars()
                .all(|c| !c.is_whitespace() && !"()|*".contains(c));
        let keyword = RESERVED.iter().any(|word| name.eq_ignore_ascii_case(word));
        let (message, help) = if !word || keyword {
            let message = format!("a condition cannot be called `{name}`");
            (message, "one word of letters, digits, `_` and `-`")
        } else if selections.contains(&name) {
            let message = format!("`{name}` is a selection of the rule already");
            (message, "call one of them otherwise")
        } else {
            named.push((name, value));
            continue;
        };
        findings
            .error(codes::BAD_CONDITION, key.at, message)
            .help(help);
    }
    named
}

/// Words of the grammar.
const RESERVED: &[&str] = &["1", "all", "and", "any", "near", "not", "of", "or", "them"];

/// Whether a pattern with `*` fits a name.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for piece in pieces {
        if let Some(previous) = last.replace(piece) {
            let Some(at) = rest.find(previous) else {
                return false;
            };
            rest = &rest[at + str::len(previous)..];
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}
