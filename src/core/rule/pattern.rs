//! Values with Sigma's wildcards: `*` any run, `?` one character, `\` before either or before `\` takes its meaning.

use std::sync::Arc;

use super::ast::How;

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Any,
    One,
}

/// A value of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// As the rule writes it.
    pub source: Arc<str>,
    pieces: Vec<Piece>,
    /// The value as a number, where the file has it unquoted.
    pub number: Option<f64>,
    /// The value is `null`: the field is absent.
    pub null: bool,
}

impl Pattern {
    /// Reads a value. `number` when the file has an unquoted number.
    pub fn parse(source: &str, number: Option<f64>) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut chars = source.chars().peekable();
        while let Some(c) = chars.next() {
            let piece = match c {
                '\\' => {
                    literal.push(
                        chars
                            .next_if(|next| matches!(next, '*' | '?' | '\\'))
                            .unwrap_or('\\'),
                    );
                    continue;
                }
                '*' => Piece::Any,
                '?' => Piece::One,
                _ => {
                    literal.push(c);
                    continue;
                }
            };
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            if piece == Piece::One || pieces.last() != Some(&Piece::Any) {
                pieces.push(piece);
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Self {
            source: source.into(),
            pieces,
            number,
            null: false,
        }
    }

    /// `null`.
    pub fn null() -> Self {
        Self {
            source: "null".into(),
            pieces: vec![],
            number: None,
            null: true,
        }
    }

    /// The literal, when there is no wildcard.
    pub fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// A copy whose literals went through `f`.
    #[must_use]
    pub fn map(&self, f: impl Fn(&str) -> String) -> Self {
        let pieces = self
            .pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => Piece::Literal(f(text)),
                other => other.clone(),
            })
            .collect();
        Self {
            pieces,
            ..self.clone()
        }
    }

    /// Whether `text`, prepared as the literals are, matches.
    pub fn matches(&self, how: How, text: &str) -> bool {
        if let Some(literal) = self.literal() {
            return match how {
                How::Equals => text == literal,
                How::Contains => text.contains(literal),
                How::StartsWith => text.starts_with(literal),
                How::EndsWith => text.ends_with(literal),
                How::Word => word(text, literal),
            };
        }
        let open_left = matches!(how, How::Contains | How::EndsWith | How::Word);
        let open_right = matches!(how, How::Contains | How::StartsWith | How::Word);
        let mut pieces: Vec<&Piece> = self.pieces.iter().collect();
        if open_left {
            pieces.insert(0, &Piece::Any);
        }
        if open_right {
            pieces.push(&Piece::Any);
        }
        glob(&pieces, text)
    }
}

/// Whether `literal` stands in `text` with no letter or digit of an alphabetic script at its edges.
fn word(text: &str, literal: &str) -> bool {
    let edge = |inside: Option<char>, outside: Option<char>| {
        !(inside.is_some_and(is_word) && outside.is_some_and(is_word))
    };
    text.match_indices(literal).any(|(at, found)| {
        edge(found.chars().next(), text[..at].chars().next_back())
            && edge(
                found.chars().next_back(),
                text[at + found.len()..].chars().next(),
            )
    }) || overlapping(text, literal, edge)
}

/// `match_indices` skips overlapping occurrences; a bounded one may be among them.
fn overlapping(
    text: &str,
    literal: &str,
    edge: impl Fn(Option<char>, Option<char>) -> bool,
) -> bool {
    let Some(first) = literal.chars().next() else {
        return false;
    };
    text.char_indices()
        .filter(|(_, c)| *c == first)
        .any(|(at, _)| {
            text[at..].starts_with(literal)
                && edge(Some(first), text[..at].chars().next_back())
                && edge(
                    literal.chars().next_back(),
                    text[at + literal.len()..].chars().next(),
                )
        })
}

/// Letters and digits of scripts that set words apart by spaces. Han, kana, Hangul, Thai, Lao, Khmer and Burmese do not, or join
/// particles to words.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric()
        && !matches!(u32::from(c),
            0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1100..=0x11FF | 0x1780..=0x17FF | 0x2E80..=0xA4CF | 0xA960..=0xA97F
            | 0xAC00..=0xD7FF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF)
}

/// Matches with one step back to the last `*`: linear in practice, text × pieces at worst.
fn glob(pieces: &[&Piece], text: &str) -> bool {
    let (mut piece, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let rest = &text[at..];
        let step = match pieces.get(piece) {
            Some(Piece::Any) => {
                piece += 1;
                retry = Some((piece, at));
                continue;
            }
            Some(Piece::Literal(literal)) => {
                rest.starts_with(literal.as_str()).then_some(literal.len())
            }
            Some(Piece::One) => rest.chars().next().map(char::len_utf8),
            None => rest.is_empty().then_some(0),
        };
        match (step, retry) {
            (Some(_), _) if piece == pieces.len() => return true,
            (Some(length), _) => {
                at += length;
                piece += 1;
            }
            (None, Some((again, from))) => {
                let Some(c) = text[from..].chars().next() else {
                    return false;
                };
                retry = Some((again, from + c.len_utf8()));
                (piece, at) = (again, from + c.len_utf8());
            }
            (None, None) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is(source: &str, how: How, text: &str) -> bool {
        Pattern::parse(source, None).matches(how, text)
    }

    #[test]
    fn wildcards_and_escapes() {
        assert!(is("a*c", How::Equals, "abbc"));
        assert!(!is("a*c", How::Equals, "abbcd"));
        assert!(is("a?c", How::Contains, "xxabcxx"));
        assert!(is(r"a\*c", How::Equals, "a*c"));
        assert!(!is(r"a\*c", How::Equals, "abc"));
        assert!(is(r"c:\\x", How::Equals, r"c:\x"));
        assert!(is(r"c:\x", How::Equals, r"c:\x"));
        assert!(is("*b*", How::Equals, "abc"));
        assert!(is("b*d", How::StartsWith, "bcde"));
        assert!(is("b*d", How::EndsWith, "abccd"));
        assert!(is("", How::Equals, ""));
        assert!(is("*", How::Equals, ""));
        assert!(!is("?", How::Equals, ""));
        assert!(is("火?灾", How::Contains, "大火成灾了"));
    }

    #[test]
    fn words() {
        assert!(is("fire", How::Word, "a fire."));
        assert!(!is("fire", How::Word, "firefly"));
        assert!(is("fire", How::Word, "firefire fire"));
        assert!(is("a a", How::Word, "ba a a"));
        assert!(is("fire", How::Word, "大fire火"));
        assert!(is("火灾", How::Word, "大火灾了"));
    }

    proptest! {
        #[test]
        fn globs_are_the_regular_expressions_they_stand_for(source in "[ab*?\\\\]{0,8}", text in "[ab*?\\\\]{0,10}") {
            let mut regex = String::from("^(?s:");
            let mut chars = source.chars().peekable();
            while let Some(c) = chars.next() {
                match c {
                    '\\' => regex.push_str(&regex::escape(&chars.next_if(|n| "*?\\".contains(*n)).unwrap_or('\\').to_string())),
                    '*' => regex.push_str(".*"),
                    '?' => regex.push('.'),
                    c => regex.push(c),
                }
            }
            regex.push_str(")$");
            prop_assert_eq!(is(&source, How::Equals, &text), regex::Regex::new(&regex).unwrap().is_match(&text));
        }
    }
}
