//! Strings of JSON: borrowed where they have no escapes.
//!
//! Invariant: what is read is what RFC 8259 says, but for lone surrogates; see [`super`].

use std::borrow::Cow;

use super::{Scan, Scanner};
use crate::core::model::RefusalCode;

/// Offset of the first `"` or `\`: keys and most values are short, and for them a call of the vectorised search is dear.
#[inline]
fn quote_or_slash(bytes: &[u8]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = LOW << 7;
    let Some((head, rest)) = bytes.split_first_chunk::<8>() else {
        return bytes.iter().position(|byte| matches!(byte, b'"' | b'\\'));
    };
    let word = u64::from_le_bytes(*head);
    // The lowest byte that is zero is found exactly: a borrow only reaches what is above it.
    let zeros = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let found = zeros(word ^ (LOW * b'"' as u64)) | zeros(word ^ (LOW * b'\\' as u64));
    if found != 0 {
        return Some(found.trailing_zeros() as usize / 8);
    }
    memchr::memchr2(b'"', b'\\', rest).map(|offset| offset + 8)
}

impl<'a> Scanner<'a> {
    /// A string whose opening quote is next.
    #[inline]
    pub(in crate::core::decode) fn string(&mut self) -> Scan<Cow<'a, str>> {
        let start = self.at + 1;
        let rest = &self.text.as_bytes()[start..];
        match quote_or_slash(rest) {
            Some(length) if rest[length] == b'"' => {
                let text = &self.text[start..start + length];
                if !self.plain {
                    self.check_controls(text, start)?;
                }
                self.at = start + length + 1;
                Ok(Cow::Borrowed(text))
            }
            Some(length) => self.escaped(start, start + length),
            None => self.unterminated(),
        }
    }

    #[cold]
    fn unterminated<T>(&mut self) -> Scan<T> {
        self.fail(RefusalCode::Syntax, "the JSON ends inside a string")
    }

    fn check_controls(&mut self, text: &str, start: usize) -> Scan<()> {
        match text.bytes().position(|byte| byte < 0x20) {
            None => Ok(()),
            Some(offset) => {
                self.at = start + offset;
                self.fail(
                    RefusalCode::Syntax,
                    "a control character inside a string: write it as an escape",
                )
            }
        }
    }

    /// A string with escapes; the first backslash is at `slash`.
    fn escaped(&mut self, start: usize, slash: usize) -> Scan<Cow<'a, str>> {
        let bytes = self.text.as_bytes();
        let mut out = String::with_capacity((slash - start) * 2 + 16);
        let (mut copied, mut slash) = (start, slash);
        loop {
            let run = &self.text[copied..slash];
            if !self.plain {
                self.check_controls(run, copied)?;
            }
            out.push_str(run);
            if bytes[slash] == b'"' {
                self.at = slash + 1;
                return Ok(Cow::Owned(out));
            }
            self.at = slash;
            copied = self.escape(&mut out)?;
            // Text in escapes comes as one escape after the other: no search between them.
            slash = match bytes.get(copied) {
                Some(b'"' | b'\\') => copied,
                _ => match memchr::memchr2(b'"', b'\\', &bytes[copied.min(bytes.len())..]) {
                    Some(offset) => copied + offset,
                    None => return self.unterminated(),
                },
            };
        }
    }

    /// Appends the character that the escape at the cursor stands for; offset behind it.
    fn escape(&mut self, out: &mut String) -> Scan<usize> {
        let kind = self.text.as_bytes().get(self.at + 1).copied().unwrap_or(0);
        let c = match kind {
            b'"' | b'\\' | b'/' => kind as char,
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(out),
            _ => return self.fail(RefusalCode::Syntax, "not an escape of JSON"),
        };
        out.push(c);
        Ok(self.at + 2)
    }

    fn unicode(&mut self, out: &mut String) -> Scan<usize> {
        let Some(high) = self.hex(self.at + 2) else {
            return self.fail(RefusalCode::Syntax, "`\\u` needs four hexadecimal digits");
        };
        let mut end = self.at + 6;
        let mut code = high;
        if (0xD800..0xDC00).contains(&high)
            && self.text.as_bytes().get(end..end + 2) == Some(b"\\u")
            && let Some(low @ 0xDC00..0xE000) = self.hex(end + 2)
        {
            code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            end += 6;
        }
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(end)
    }

    fn hex(&self, at: usize) -> Option<u32> {
        let digits = self.text.as_bytes().get(at..at + 4)?;
        digits.iter().try_fold(0_u32, |sum, digit| {
            Some(sum * 16 + (*digit as char).to_digit(16)?)
        })
    }
}
