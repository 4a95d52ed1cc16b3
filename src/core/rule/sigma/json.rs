//! The JSON of an event, in one pass, and only the values that some rule asks for are kept.
//!
//! Invariant: reads what RFC 8259 allows to a depth of [`MAX_DEPTH`]. Texts that nobody asks for are not looked into.

use super::event::{Found, Kind, Stop, Values};
use super::fields::{Fields, NO_SLOT};

/// Deepest nesting of an event.
const MAX_DEPTH: usize = 64;

/// A cursor over an event.
pub(super) struct Reader<'e> {
    line: &'e str,
    at: usize,
    fields: &'e Fields,
    values: &'e mut Values,
}

/// A string: where its text stands.
struct Text {
    from: usize,
    to: usize,
    owned: bool,
}

impl<'e> Reader<'e> {
    /// At the beginning of `line`; what is found goes to `values`.
    pub(super) fn new(line: &'e str, fields: &'e Fields, values: &'e mut Values) -> Self {
        Self {
            line,
            at: 0,
            fields,
            values,
        }
    }

    /// The whole event.
    pub(super) fn event(&mut self) -> Result<(), Stop> {
        if self.peek() != b'{' {
            return self.stop("an object");
        }
        self.object(Some(0), 0)?;
        if self.peek() != 0 || self.at < self.line.len() {
            return self.stop("the end");
        }
        Ok(())
    }

    #[cold]
    fn stop<T>(&self, expected: &'static str) -> Result<T, Stop> {
        Err(Stop {
            at: self.at,
            expected,
        })
    }

    /// The next byte that is not white space; 0 at the end.
    #[inline]
    fn peek(&mut self) -> u8 {
        let bytes = self.line.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return byte;
            }
            self.at += 1;
        }
        0
    }

    /// An object whose `{` is next. `node`: what rules ask for below it.
    fn object(&mut self, node: Option<u32>, depth: usize) -> Result<(), Stop> {
        if depth == MAX_DEPTH {
            return self.stop("no deeper nesting");
        }
        self.at += 1;
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.peek() != b'"' {
                return self.stop("a name in quotes");
            }
            let kept = self.values.unescaped.len();
            let key = self.string(true)?;
            let name = if key.owned {
                &self.values.unescaped
            } else {
                self.line
            };
            let child = self.fields.step(node, &name[key.from..key.to]);
            self.values.unescaped.truncate(kept);
            if self.peek() != b':' {
                return self.stop("`:`");
            }
            self.at += 1;
            self.value(child, depth)?;
            match self.peek() {
                b',' => {
                    self.at += 1;
                    self.peek();
                }
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.stop("`,` or `}`"),
            }
        }
    }

    fn value(&mut self, node: Option<u32>, depth: usize) -> Result<(), Stop> {
        let slot = self.fields.slot_of(node);
        let wanted = slot != NO_SLOT || self.fields.any;
        let next = self.peek();
        let start = self.at;
        let (kind, text) = match next {
            b'"' => (Kind::Text, self.string(wanted)?),
            b'-' | b'0'..=b'9' => (Kind::Number, self.number()?),
            b't' => (Kind::True, self.word("true")?),
            b'f' => (Kind::False, self.word("false")?),
            b'n' => (Kind::Null, self.word("null")?),
            b'{' => {
                if slot != NO_SLOT {
                    self.push(
                        slot,
                        Kind::Branch,
                        depth,
                        Text {
                            from: start,
                            to: start,
                            owned: false,
                        },
                    );
                }
                return self.object(node, depth + 1);
            }
            b'[' => return self.array(node, depth),
            _ => return self.stop("a value"),
        };
        if wanted {
            self.push(slot, kind, depth, text);
        }
        Ok(())
    }

    fn push(&mut self, slot: u32, kind: Kind, depth: usize, text: Text) {
        self.values.found.push(Found {
            slot,
            kind,
            owned: text.owned,
            top: depth == 0,
            from: text.from as u32,
            to: text.to as u32,
        });
    }

    /// A list whose `[` is next: its elements are values of the same field.
    fn array(&mut self, node: Option<u32>, depth: usize) -> Result<(), Stop> {
        if depth == MAX_DEPTH {
            return self.stop("no deeper nesting");
        }
        self.at += 1;
        if self.peek() == b']' {
            self.at += 1;
            let slot = self.fields.slot_of(node);
            if slot != NO_SLOT {
                self.push(
                    slot,
                    Kind::Branch,
                    depth,
                    Text {
                        from: 0,
                        to: 0,
                        owned: false,
                    },
                );
            }
            return Ok(());
        }
        loop {
            self.element(node, depth)?;
            match self.peek() {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.stop("`,` or `]`"),
            }
        }
    }

    /// As [`Self::value`], a level deeper for the bound and not for the name.
    fn element(&mut self, node: Option<u32>, depth: usize) -> Result<(), Stop> {
        let before = self.values.found.len();
        self.value(node, depth + 1)?;
        if depth == 0 {
            let slot = self.fields.slot_of(node);
            for found in &mut self.values.found[before..] {
                found.top = found.slot == slot;
            }
        }
        Ok(())
    }

    fn word(&mut self, word: &'static str) -> Result<Text, Stop> {
        if !self.line.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return self.stop("a value");
        }
        self.at += word.len();
        Ok(Text {
            from: 0,
            to: 0,
            owned: false,
        })
    }

    fn number(&mut self) -> Result<Text, Stop> {
        let bytes = self.line.as_bytes();
        let start = self.at;
        let digits = |from: usize| {
            bytes[from.min(bytes.len())..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let mut end = start + usize::from(bytes[start] == b'-');
        let whole = digits(end);
        if whole == 0 || (whole > 1 && bytes[end] == b'0') {
            return self.stop("a number");
        }
        end += whole;
        if bytes.get(end) == Some(&b'.') {
            let fraction = digits(end + 1);
            if fraction == 0 {
                return self.stop("a number");
            }
            end += 1 + fraction;
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            if exponent == 0 {
                return self.stop("a number");
            }
            end += 1 + sign + exponent;
        }
        self.at = end;
        Ok(Text {
            from: start,
            to: end,
            owned: false,
        })
    }

    /// A string whose opening quote is next; its text is only made up when it is wanted.
    #[inline]
    fn string(&mut self, wanted: bool) -> Result<Text, Stop> {
        let bytes = self.line.as_bytes();
        let from = self.at + 1;
        let Some(length) = memchr::memchr2(b'"', b'\\', &bytes[from..]) else {
            return self.stop("a closing quote");
        };
        let to = from + length;
        if bytes[to] == b'"' {
            self.at = to + 1;
            return Ok(Text {
                from,
                to,
                owned: false,
            });
        }
        if wanted {
            self.unescape(from, to)
        } else {
            self.skip(to)
        }
    }

    fn skip(&mut self, mut slash: usize) -> Result<Text, Stop> {
        let bytes = self.line.as_bytes();
        loop {
            let from = (slash + 2).min(bytes.len());
            match memchr::memchr2(b'"', b'\\', &bytes[from..]) {
                Some(length) if bytes[from + length] == b'"' => {
                    self.at = from + length + 1;
                    return Ok(Text {
                        from: 0,
                        to: 0,
                        owned: false,
                    });
                }
                Some(length) => slash = from + length,
                None => return self.stop("a closing quote"),
            }
        }
    }

    /// A string with escapes; the first backslash is at `slash`.
    fn unescape(&mut self, from: usize, mut slash: usize) -> Result<Text, Stop> {
        let line = self.line;
        let bytes = line.as_bytes();
        let start = self.values.unescaped.len();
        let mut copied = from;
        loop {
            self.values.unescaped.push_str(&line[copied..slash]);
            if bytes[slash] == b'"' {
                self.at = slash + 1;
                let to = self.values.unescaped.len();
                return Ok(Text {
                    from: start,
                    to,
                    owned: true,
                });
            }
            self.at = slash;
            copied = self.escape()?;
            slash = match bytes.get(copied) {
                Some(b'"' | b'\\') => copied,
                _ => match memchr::memchr2(b'"', b'\\', &bytes[copied.min(bytes.len())..]) {
                    Some(length) => copied + length,
                    None => return self.stop("a closing quote"),
                },
            };
        }
    }

    /// Appends what the escape at the cursor stands for; where it ends.
    fn escape(&mut self) -> Result<usize, Stop> {
        let c = match self.line.as_bytes().get(self.at + 1) {
            Some(c @ (b'"' | b'\\' | b'/')) => *c as char,
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let Some(high) = self.hex(self.at + 2) else {
                    return self.stop("four hexadecimal digits");
                };
                let (mut end, mut code) = (self.at + 6, high);
                if (0xD800..0xDC00).contains(&high)
                    && self.line.as_bytes().get(end..end + 2) == Some(b"\\u")
                    && let Some(low @ 0xDC00..0xE000) = self.hex(end + 2)
                {
                    code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                    end += 6;
                }
                // Half of a pair is no character.
                let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                self.values.unescaped.push(c);
                return Ok(end);
            }
            _ => return self.stop("an escape of JSON"),
        };
        self.values.unescaped.push(c);
        Ok(self.at + 2)
    }

    fn hex(&self, at: usize) -> Option<u32> {
        let digits = self.line.as_bytes().get(at..at + 4)?;
        digits.iter().try_fold(0, |sum, digit| {
            Some(sum * 16 + char::from(*digit).to_digit(16)?)
        })
    }
}
