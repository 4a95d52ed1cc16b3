//! JSON by hand: texts, which are most of a detection, sixteen bytes at a time.

use std::io::Write as _;

use serde::Serialize;

/// Bytes looked at together.
const STEP: usize = 16;

pub(super) type Written = serde_json::Result<()>;

/// The bytes that are written to.
pub(super) struct Json<'o>(pub(super) &'o mut Vec<u8>);

impl Json<'_> {
    /// As it stands.
    pub(super) fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A name of a member with what stands before it, and a text.
    pub(super) fn member(&mut self, name: &str, text: &str) {
        self.raw(name);
        self.text(text);
    }

    /// A text between quotes.
    pub(super) fn text(&mut self, text: &str) {
        self.0.push(b'"');
        let mut rest = text.as_bytes();
        loop {
            let plain = plain_length(rest);
            self.0.extend_from_slice(&rest[..plain]);
            let Some(byte) = rest.get(plain) else {
                break;
            };
            self.escape(*byte);
            rest = &rest[plain + 1..];
        }
        self.0.push(b'"');
    }

    fn escape(&mut self, byte: u8) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let short = match byte {
            b'"' | b'\\' => byte,
            8 => b'b',
            9 => b't',
            10 => b'n',
            12 => b'f',
            13 => b'r',
            _ => {
                let digits = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
                self.raw("\\u00");
                self.0.extend_from_slice(&digits);
                return;
            }
        };
        self.0.extend_from_slice(&[b'\\', short]);
    }

    /// What is rare, or a number with a point.
    pub(super) fn any<T: Serialize>(&mut self, name: &str, value: &T) -> Written {
        self.raw(name);
        serde_json::to_writer(&mut *self.0, value)
    }

    /// What is written as Rust writes it.
    pub(super) fn shown(&mut self, name: &str, value: impl std::fmt::Display) -> Written {
        write!(self.0, "{name}{value}").map_err(serde_json::Error::io)
    }

    /// A name, and values between brackets.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        values: &[T],
        mut one: impl FnMut(&mut Self, &T) -> Written,
    ) -> Written {
        self.raw(name);
        for (number, value) in values.iter().enumerate() {
            self.raw(if number == 0 { "[" } else { "," });
            one(self, value)?;
        }
        self.raw(if values.is_empty() { "[]" } else { "]" });
        Ok(())
    }
}

/// Bytes at the start that stand in JSON as they are.
fn plain_length(bytes: &[u8]) -> usize {
    let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<STEP>()
        && !chunk.iter().fold(false, |any, byte| any | special(*byte))
    {
        at += STEP;
    }
    let rest = &bytes[at..];
    let end = rest.iter().position(|byte| special(*byte));
    at + end.unwrap_or(rest.len())
}
