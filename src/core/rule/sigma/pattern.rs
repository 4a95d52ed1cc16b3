//! Values with wildcards, and how they match.
//!
//! A pattern is cut at its `*` into runs of fixed length: the first stands at the beginning, the last at the end, each of those
//! between at its first place behind the one before. That is exact, and never steps back.

use super::fold;
use crate::core::rule::How;

/// The characters that `windash` takes for one another.
pub const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// These characters.
    Text(String),
    /// `*`: any run, also none.
    Any,
    /// `?`: one character.
    One,
    /// One of [`DASHES`].
    Dash,
}

/// A value of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// No two texts and no two `*` beside one another, no empty text.
    pieces: Vec<Piece>,
}

impl Pattern {
    /// Reads a value: `\` takes the meaning of a wildcard or of a `\` behind it, and is itself otherwise.
    pub fn parse(source: &str) -> Self {
        let mut pattern = Self { pieces: Vec::new() };
        let mut chars = source.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' => pattern.push_char(
                    chars
                        .next_if(|next| matches!(next, '*' | '?' | '\\'))
                        .unwrap_or('\\'),
                ),
                '*' => pattern.push(Piece::Any),
                '?' => pattern.push(Piece::One),
                c => pattern.push_char(c),
            }
        }
        pattern
    }

    /// These characters, wildcards or not.
    pub fn literal(text: &str) -> Self {
        let mut pattern = Self { pieces: Vec::new() };
        text.chars().for_each(|c| pattern.push_char(c));
        pattern
    }

    fn push_char(&mut self, c: char) {
        if let Some(Piece::Text(text)) = self.pieces.last_mut() {
            text.push(c);
        } else {
            self.pieces.push(Piece::Text(c.to_string()));
        }
    }

    fn push(&mut self, piece: Piece) {
        if piece != Piece::Any || self.pieces.last() != Some(&Piece::Any) {
            self.pieces.push(piece);
        }
    }

    /// Its pieces.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The text, when there is nothing else.
    pub fn text(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// A copy in which every dash stands for any of them.
    #[must_use]
    pub fn windash(&self) -> Self {
        let mut pattern = Self { pieces: Vec::new() };
        for piece in &self.pieces {
            let Piece::Text(text) = piece else {
                pattern.push(piece.clone());
                continue;
            };
            for c in text.chars() {
                if DASHES.contains(&c) {
                    pattern.push(Piece::Dash);
                } else {
                    pattern.push_char(c);
                }
            }
        }
        pattern
    }

    /// How many dashes stand for any of them.
    pub fn dashes(&self) -> u32 {
        self.pieces.iter().filter(|p| **p == Piece::Dash).count() as u32
    }

    /// Every spelling of the dashes: 5 to the power of their number.
    pub fn spelled(&self) -> Vec<Self> {
        let mut all = vec![Self { pieces: Vec::new() }];
        for piece in &self.pieces {
            match piece {
                Piece::Dash => {
                    all = all
                        .iter()
                        .flat_map(|pattern| {
                            DASHES.map(|dash| {
                                let mut pattern = pattern.clone();
                                pattern.push_char(dash);
                                pattern
                            })
                        })
                        .collect();
                }
                Piece::Text(text) => {
                    for pattern in &mut all {
                        text.chars().for_each(|c| pattern.push_char(c));
                    }
                }
                other => all.iter_mut().for_each(|p| p.push(other.clone())),
            }
        }
        all
    }

    /// A copy with folded texts.
    #[must_use]
    pub fn folded(&self) -> Self {
        let fold = |piece: &Piece| match piece {
            Piece::Text(text) => Piece::Text(fold::fold(text)),
            other => other.clone(),
        };
        Self {
            pieces: self.pieces.iter().map(fold).collect(),
        }
    }

    /// Whether `text`, prepared as the pattern is, matches.
    pub fn matches(&self, how: How, text: &str) -> bool {
        if let Some(literal) = self.text() {
            return compare(how, text, literal);
        }
        let mut runs: Vec<&[Piece]> = self.pieces.split(|p| *p == Piece::Any).collect();
        if matches!(how, How::Contains | How::EndsWith) {
            runs.insert(0, &[]);
        }
        if matches!(how, How::Contains | How::StartsWith) {
            runs.push(&[]);
        }
        let (first, rest) = match runs.split_first() {
            Some((first, rest)) => (*first, rest),
            None => return text.is_empty(),
        };
        let Some(begin) = run(first, text) else {
            return false;
        };
        let Some((last, between)) = rest.split_last() else {
            return begin == text.len();
        };
        let mut rest = &text[begin..];
        for pieces in between {
            let Some(end) = search(pieces, rest) else {
                return false;
            };
            rest = &rest[end..];
        }
        let length: usize = last.iter().map(characters).sum();
        let from = match length {
            0 => Some(rest.len()),
            n => rest.char_indices().rev().nth(n - 1).map(|(at, _)| at),
        };
        from.is_some_and(|from| run(last, &rest[from..]).is_some())
    }
}

/// Two texts by `how`.
pub fn compare(how: How, text: &str, literal: &str) -> bool {
    match how {
        How::Equals => text == literal,
        How::StartsWith => text.starts_with(literal),
        How::EndsWith => text.ends_with(literal),
        How::Contains | How::Word => text.contains(literal),
    }
}

fn characters(piece: &Piece) -> usize {
    match piece {
        Piece::Text(text) => text.chars().count(),
        Piece::Any => 0,
        Piece::One | Piece::Dash => 1,
    }
}

/// Where the run ends that begins with `text`.
fn run(pieces: &[Piece], text: &str) -> Option<usize> {
    let mut rest = text;
    for piece in pieces {
        rest = match piece {
            Piece::Text(literal) => rest.strip_prefix(literal.as_str())?,
            Piece::Any => rest,
            Piece::One => {
                let mut chars = rest.chars();
                chars.next()?;
                chars.as_str()
            }
            Piece::Dash => rest.strip_prefix(DASHES)?,
        };
    }
    Some(text.len() - rest.len())
}

/// Where the first such run in `text` ends.
fn search(pieces: &[Piece], text: &str) -> Option<usize> {
    match pieces.first() {
        None => Some(0),
        Some(Piece::Text(literal)) => {
            let mut from = 0;
            loop {
                let at = from + text[from..].find(literal.as_str())?;
                if let Some(length) = run(pieces, &text[at..]) {
                    return Some(at + length);
                }
                from = at + text[at..].chars().next().map_or(1, char::len_utf8);
            }
        }
        Some(_) => text
            .char_indices()
            .find_map(|(at, _)| run(pieces, &text[at..]).map(|length| at + length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is(source: &str, how: How, text: &str) -> bool {
        Pattern::parse(source).matches(how, text)
    }

    /// The table of the specification.
    #[test]
    fn backslashes() {
        for (source, text, expected) in [
            (r"a\b", r"a\b", true),
            (r"a\\b", r"a\b", true),
            (r"a\\b", r"a\\b", false),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            (r"a\?b", "a?b", true),
            (r"a\\*b", r"a\xyb", true),
            (r"a\\*b", "a*b", false),
            (r"a\\\*b", r"a\*b", true),
            (r"a\\\*b", r"a\xb", false),
            (r"a\\\\b", r"a\\b", true),
            (r"a\\\b", r"a\\b", true),
            (r"a\", r"a\", true),
        ] {
            assert_eq!(is(source, How::Equals, text), expected, "{source} {text}");
        }
    }

    #[test]
    fn wildcards_at_every_place() {
        for (source, how, text, expected) in [
            ("a*c", How::Equals, "abbc", true),
            ("a*c", How::Equals, "ac", true),
            ("a*c", How::Equals, "abcd", false),
            ("a?c", How::Equals, "ac", false),
            ("火?灾", How::Contains, "大火成灾了", true),
            ("?", How::Equals, "", false),
            ("*", How::Equals, "", true),
            ("ab*ba", How::Equals, "aba", false),
            ("a*?b", How::Equals, "ab", false),
            ("b*d", How::StartsWith, "bcde", true),
            ("b*d", How::EndsWith, "abccd", true),
            ("*b?", How::Contains, "ab", false),
            ("", How::Contains, "x", true),
            ("", How::Equals, "x", false),
        ] {
            assert_eq!(is(source, how, text), expected, "{source} {how:?} {text}");
        }
        let dash = Pattern::parse(" -a/").windash();
        assert!(dash.matches(How::Contains, "x ―a–") && !dash.matches(How::Contains, "x +a-"));
        assert_eq!(dash.spelled().len(), 25);
    }

    proptest! {
        #[test]
        fn as_the_regular_expressions_they_stand_for(source in "[ab*?\\\\]{0,8}", text in "[ab*?\\\\]{0,10}", how in 0..4usize) {
            let mut regex = String::new();
            let mut chars = source.chars().peekable();
            while let Some(c) = chars.next() {
                match c {
                    '\\' => regex.push_str(&regex::escape(&chars.next_if(|n| "*?\\".contains(*n)).unwrap_or('\\').to_string())),
                    '*' => regex.push_str(".*"),
                    '?' => regex.push('.'),
                    c => regex.push(c),
                }
            }
            let (how, before, after) = [
                (How::Equals, "^", "$"), (How::Contains, "", ""), (How::StartsWith, "^", ""), (How::EndsWith, "", "$"),
            ][how];
            let regex = regex::Regex::new(&format!("(?s){before}(?:{regex}){after}")).unwrap();
            prop_assert_eq!(is(&source, how, &text), regex.is_match(&text));
        }
    }
}
