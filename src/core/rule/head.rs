//! What every document says of itself: title, id, status.

use super::ast::RuleStatus;
use super::codes;
use crate::core::yaml::{At, Findings, Node};

pub(super) fn text<'n>(node: &'n Node, key: &str, findings: &mut Findings<'_>) -> Option<&'n str> {
    match node.get(key) {
        Some(value) if value.text().is_some_and(|t| !t.trim().is_empty()) => {
            value.text().map(str::trim)
        }
        Some(value) => {
            findings.error(codes::WRONG_TYPE, value.at, format!("`{key}` is text"));
            None
        }
        None => {
            findings.error(codes::MISSING_KEY, node.at, format!("`{key}` is missing"));
            None
        }
    }
}

/// Where the value under a key stands; without the key, the whole.
pub(super) fn place(node: &Node, key: &str) -> At {
    node.get(key).map_or(node.at, |value| value.at)
}

/// The title, which stands in alerts, on pages and in terminals as it is.
pub(super) fn title<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Option<&'n str> {
    let title = text(node, "title", findings)?;
    readable(title, "title", place(node, "title"), findings);
    Some(title)
}

/// An error where a text that people are shown holds characters that steer what shows it: control characters (of terminals, and not
/// allowed in XML) and those that turn the direction of writing.
pub(super) fn readable(text: &str, key: &str, at: At, findings: &mut Findings<'_>) {
    let steers =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if let Some(found) = text.chars().find(|c| steers(*c)) {
        let message = format!(
            "`{key}` has the control character {}",
            found.escape_unicode()
        );
        findings
            .error(codes::BAD_VALUE, at, message)
            .help("remove it");
    }
}

pub(super) fn id<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Option<&'n str> {
    let id = text(node, "id", findings)?;
    let valid = id.len() <= 64
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if !valid {
        findings.error(
            codes::BAD_NAME,
            place(node, "id"),
            "an id is of letters, digits, `.`, `_` and `-`, at most 64",
        );
    }
    valid.then_some(id)
}

pub(super) fn status(node: &Node, findings: &mut Findings<'_>) -> Option<RuleStatus> {
    let Some(value) = node.get("status") else {
        return Some(RuleStatus::Live);
    };
    match value.text() {
        Some("stable" | "experimental") => Some(RuleStatus::Live),
        Some("test") => Some(RuleStatus::Shadow),
        Some("deprecated" | "unsupported") => Some(RuleStatus::Off),
        _ => {
            findings
                .error(codes::BAD_VALUE, value.at, "not a status")
                .help("stable, experimental, test (shadow), deprecated or unsupported (off)");
            None
        }
    }
}
