//! Text that came from outside, made harmless for where it goes.
//!
//! Invariant: no control character and no character that reorders a line leaves this module, and nothing that a spreadsheet or a
//! Markdown reader would act on.

use std::borrow::Cow;

use serde_json::Value;

pub use crate::core::notify::line;

/// A cell of a CSV file: a text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection).
pub fn cell(text: &str) -> Cow<'_, str> {
    // Tab and carriage return count before they are taken out: some readers trim them.
    let formula = |text: &str| {
        text.trim_start()
            .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
    };
    let risky = text.starts_with(['\t', '\r']) || formula(text);
    let text = line(text);
    if risky || formula(&text) {
        return Cow::Owned(format!("'{text}"));
    }
    text
}

/// Text inside a Markdown line, as text and nothing else: every ASCII punctuation that CommonMark or its tables and autolinks
/// give a meaning is escaped.
pub fn markdown(text: &str) -> String {
    let text = line(text);
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '-' | '.'
            | '!' | '|' | '~' | ':' | '@' | '$' | '^' | '=' | '"' | '\'' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Takes unsafe characters out of every string of a JSON value, names of fields apart: those are ours.
pub fn clean(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(safe) = line(text) {
                *text = safe;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(clean),
        Value::Object(fields) => fields.values_mut().for_each(clean),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::notify::is_unsafe;

    #[test]
    fn a_cell_is_never_a_formula() {
        for (given, expected) in [
            ("fire", "fire"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "' =1"),
            ("\r=1", "'=1"),
            ("  =1", "'  =1"),
            ("\u{feff}=1", "'=1"),
            ("\u{0}=1", "'=1"),
            ("＝cmd", "'＝cmd"),
            ("a\nb", "a b"),
            ("火灾", "火灾"),
        ] {
            assert_eq!(cell(given), expected, "{given:?}");
        }
    }

    #[test]
    fn markdown_is_text() {
        assert_eq!(
            markdown("[x](javascript:alert(1)) <b>|\n# h"),
            "\\[x\\]\\(javascript\\:alert\\(1\\)\\) &lt;b&gt;\\| \\# h"
        );
        assert_eq!(markdown("https://a.example"), "https\\://a\\.example");
    }

    #[test]
    fn json_is_cleaned_at_any_depth() {
        let mut value = serde_json::json!({"a": ["x\u{1b}[31m", {"b": "\u{202e}y\r\nz"}], "n": 1});
        clean(&mut value);
        assert_eq!(
            value,
            serde_json::json!({"a": ["x[31m", {"b": "y z"}], "n": 1})
        );
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(text in any::<String>()) {
            for out in [line(&text).into_owned(), cell(&text).into_owned(), markdown(&text)] {
                prop_assert!(!out.chars().any(is_unsafe));
            }
            prop_assert!(!cell(&text).trim_start().starts_with(['=', '+', '-', '@', '\t', '\r']));
        }

        #[test]
        fn what_is_safe_stays(text in "[a-z0-9 火灾，。]{0,40}") {
            prop_assert_eq!(line(&text), text.as_str());
            prop_assert_eq!(cell(&text), text.as_str());
            prop_assert_eq!(markdown(&text), text);
        }
    }
}
