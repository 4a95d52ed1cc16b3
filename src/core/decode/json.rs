//! A strict, borrowing JSON reader: one pass, no recursion, no allocation for strings without escapes.
//!
//! Invariant: accepts what RFC 8259 accepts, to a depth of [`MAX_DEPTH`], and nothing else, with one exception: a lone
//! surrogate in an escape becomes U+FFFD, because a post cut in the middle of an emoji still tells of a fire.

mod strings;

use std::borrow::Cow;

use crate::core::model::{Refusal, RefusalCode};

/// Deepest nesting of a record, arrays and objects counted together.
pub const MAX_DEPTH: usize = 64;

/// A value that is neither array nor object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// As it was written.
    Number(&'a str),
    Text(Cow<'a, str>),
}

/// A cursor over a JSON text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// No control characters in the whole text, so none in its strings.
    plain: bool,
}

type Scan<T> = Result<T, Refusal>;

/// Checks that `bytes` are UTF-8 and takes a byte order mark away.
pub(super) fn utf8(bytes: &[u8]) -> Scan<&str> {
    let text = simdutf8::basic::from_utf8(bytes).map_err(|_| not_utf8(bytes))?;
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}

#[cold]
fn not_utf8(bytes: &[u8]) -> Refusal {
    let at = std::str::from_utf8(bytes)
        .err()
        .map_or(0, |error| error.valid_up_to());
    Refusal::decode(RefusalCode::NotUtf8, "the bytes are not UTF-8").at(at)
}

impl<'a> Scanner<'a> {
    /// At the start of `text`.
    pub(super) fn new(text: &'a str) -> Self {
        let controls = text
            .bytes()
            .fold(0_u8, |any, byte| any | u8::from(byte < 0x20));
        Self {
            text,
            at: 0,
            plain: controls == 0,
        }
    }

    /// Offset of the next byte.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    #[cold]
    pub(super) fn fail<T>(&self, code: RefusalCode, message: &str) -> Scan<T> {
        Err(Refusal::decode(code, message).at(self.at))
    }

    #[cold]
    fn syntax<T>(&self, expected: &str) -> Scan<T> {
        if self.at >= self.text.len() {
            self.fail(
                RefusalCode::Syntax,
                &format!("the JSON ends where {expected} is expected"),
            )
        } else {
            self.fail(
                RefusalCode::Syntax,
                &format!("not JSON: expected {expected}"),
            )
        }
    }

    /// Next byte that is not white space, left in place; 0 at the end.
    #[inline]
    pub(super) fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return byte;
            }
            self.at += 1;
        }
        0
    }

    /// Takes `byte` if it is next.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte && self.at < self.text.len();
        self.at += usize::from(found);
        found
    }

    /// Nothing but white space may follow.
    pub(super) fn finish(&mut self) -> Scan<()> {
        self.peek();
        if self.at < self.text.len() {
            self.syntax("the end")
        } else {
            Ok(())
        }
    }

    /// The next key of an object whose `{` (first) or member (not first) was read; none at its `}`.
    #[inline]
    pub(super) fn key(&mut self, first: bool) -> Scan<Option<Cow<'a, str>>> {
        if self.take(b'}') {
            return Ok(None);
        }
        if !first && !self.take(b',') {
            return self.syntax("`,` or `}`");
        }
        if self.peek() != b'"' {
            return self.syntax("a key in quotes");
        }
        let key = self.string()?;
        if !self.take(b':') {
            return self.syntax("`:`");
        }
        Ok(Some(key))
    }

    /// Whether another element of an array follows whose `[` (first) or element (not first) was read.
    pub(super) fn element(&mut self, first: bool) -> Scan<bool> {
        if self.take(b']') {
            return Ok(false);
        }
        if !first && !self.take(b',') {
            return self.syntax("`,` or `]`");
        }
        Ok(true)
    }

    /// A number whose first character is next, as it is written.
    pub(super) fn number(&mut self) -> Scan<&'a str> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let digits = |from: usize| {
            bytes[from..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let mut end = start + usize::from(bytes[start] == b'-');
        let whole = digits(end);
        if whole == 0 || (whole > 1 && bytes[end] == b'0') {
            self.at = end;
            return self.syntax("a number");
        }
        end += whole;
        if bytes.get(end) == Some(&b'.') {
            let fraction = digits(end + 1);
            if fraction == 0 {
                self.at = end + 1;
                return self.syntax("digits after the point");
            }
            end += 1 + fraction;
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(bytes.len().min(end + 1 + sign));
            if exponent == 0 {
                self.at = bytes.len().min(end + 1 + sign);
                return self.syntax("digits of the exponent");
            }
            end += 1 + sign + exponent;
        }
        self.at = end;
        Ok(&self.text[start..end])
    }

    fn literal(&mut self, word: &'static str, value: Scalar<'a>) -> Scan<Scalar<'a>> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            self.syntax("a value")
        }
    }

    /// The next value if it is a scalar; none, with the cursor on its bracket, if it is an array or object.
    #[inline]
    pub(super) fn scalar(&mut self) -> Scan<Option<Scalar<'a>>> {
        Ok(Some(match self.peek() {
            b'"' => Scalar::Text(self.string()?),
            b'-' | b'0'..=b'9' => Scalar::Number(self.number()?),
            b't' => self.literal("true", Scalar::Bool(true))?,
            b'f' => self.literal("false", Scalar::Bool(false))?,
            b'n' => self.literal("null", Scalar::Null)?,
            b'{' | b'[' => return Ok(None),
            _ => return self.syntax("a value"),
        }))
    }

    /// Reads and forgets the next value, `depth` levels down already.
    pub(super) fn skip(&mut self, depth: usize) -> Scan<()> {
        // One bit for each open level: object or array. Depth 64 fits in a word, so nothing is allocated.
        let mut objects = 0_u64;
        let mut open = 0_usize;
        loop {
            let mut first = false;
            if self.scalar()?.is_none() {
                if depth + open >= MAX_DEPTH {
                    return self.fail(RefusalCode::TooDeep, "the JSON is nested too deeply");
                }
                objects = objects << 1 | u64::from(self.peek() == b'{');
                self.at += 1;
                open += 1;
                first = true;
            }
            loop {
                if open == 0 {
                    return Ok(());
                }
                let more = if objects & 1 == 1 {
                    self.key(first)?.is_some()
                } else {
                    self.element(first)?
                };
                if more {
                    break;
                }
                objects >>= 1;
                open -= 1;
                first = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepts(text: &str) -> bool {
        let mut scanner = Scanner::new(text);
        scanner.skip(0).and_then(|()| scanner.finish()).is_ok()
    }

    #[test]
    fn trailing_commas_and_text_are_refused() {
        for bad in [
            "[1,]",
            "{\"a\":1,}",
            "{} x",
            "01",
            "1.",
            "-",
            "1e",
            "\"\\x\"",
            "\"\n\"",
            "{\"a\"}",
            "nul",
            "",
        ] {
            assert!(!accepts(bad), "{bad}");
            assert!(
                serde_json::from_str::<serde_json::Value>(bad).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn depth_is_bounded_without_recursion() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(accepts(&nested(MAX_DEPTH)));
        let deep = "[".repeat(1 << 20);
        assert_eq!(
            Scanner::new(&deep).skip(0).unwrap_err().code,
            RefusalCode::TooDeep
        );
        assert_eq!(
            Scanner::new(&nested(MAX_DEPTH + 1))
                .skip(0)
                .unwrap_err()
                .code,
            RefusalCode::TooDeep
        );
    }

    proptest! {
        /// The oracle: serde_json accepts and reads the same.
        #[test]
        fn strings_read_as_serde_json_reads_them(text in ".{0,60}", ascii in any::<bool>()) {
            let json = if ascii {
                let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
                format!("\"{units}\"")
            } else {
                serde_json::to_string(&text).unwrap()
            };
            let mut scanner = Scanner::new(&json);
            prop_assert_eq!(scanner.string().unwrap(), text);
            prop_assert!(scanner.finish().is_ok());
        }

        #[test]
        fn accepts_exactly_what_serde_json_accepts(text in r#"[\[\]{},:"\\ au0-9.eE+\-truefalsn\n]{0,24}"#) {
            let oracle = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            // serde_json does not look for lone surrogates in what it ignores, and neither do we.
            prop_assert_eq!(accepts(&text), oracle, "{}", text);
        }
    }
}
