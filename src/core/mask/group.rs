//! Groups of digits as they stand in a text, with what stands between them.
//!
//! Invariant: a chain holds digits only, each with its value whatever its script, and never crosses a line, a comma, a
//! colon, a slash or a letter.

use smallvec::SmallVec;

/// What separates a group from the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// The first group of a chain.
    Start,
    Space,
    Hyphen,
    Dot,
    Bracket,
}

/// One run of digits.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Values, 0–9.
    pub digits: SmallVec<[u8; 20]>,
    /// Byte range in the text.
    pub start: usize,
    pub end: usize,
    pub gap: Gap,
    /// Start of a `+` that stands right before.
    pub plus: Option<usize>,
    /// A Latin letter, `_` or `/` stands right before: more a code than a number to call.
    pub attached: bool,
}

impl Group {
    pub(super) fn len(&self) -> usize {
        self.digits.len()
    }

    /// The number, for short groups.
    pub(super) fn value(&self) -> u64 {
        self.digits.iter().fold(0_u64, |sum, d| {
            sum.wrapping_mul(10).wrapping_add(u64::from(*d))
        })
    }

    pub(super) fn starts_with(&self, digits: &[u8]) -> bool {
        self.digits.starts_with(digits)
    }
}

/// Value of a decimal digit in the scripts that reach us.
pub(super) fn digit_value(c: char) -> Option<u8> {
    let code = c as u32;
    let value = match code {
        0x30..=0x39 => code - 0x30,
        0xFF10..=0xFF19 => code - 0xFF10,
        0x660..=0x669 => code - 0x660,
        0x6F0..=0x6F9 => code - 0x6F0,
        0x1_D7CE..=0x1_D7FF => (code - 0x1_D7CE) % 10,
        _ => return None,
    };
    Some(value as u8)
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' | '\u{AD}'
    )
}

fn gap_of(c: char) -> Option<Gap> {
    Some(match c {
        ' ' | '\u{A0}' | '\u{3000}' | '\u{2002}'..='\u{200A}' | '\u{202F}' => Gap::Space,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '－' | '~' => Gap::Hyphen,
        '.' | '．' | '·' => Gap::Dot,
        '(' | ')' | '（' | '）' => Gap::Bracket,
        _ => return None,
    })
}

/// Most characters between two groups of a chain, as in `) - `.
const WIDEST_GAP: usize = 3;

/// Groups of one chain.
pub(super) type Chain = SmallVec<[Group; 4]>;

/// How many digits the chain has that starts with the digit at byte `from`, and the offset behind it: what [`chain`] would
/// find, without keeping it, since most chains are years and counts.
pub(super) fn reach(text: &str, from: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let (mut digits, mut gap, mut at, mut end) = (0, 0, from, from);
    while let Some(&byte) = bytes.get(at) {
        let (is_digit, is_gap, length) = match byte {
            b'0'..=b'9' => (true, false, 1),
            b' ' | b'-' | b'~' | b'.' | b'(' | b')' => (false, true, 1),
            0..=0x7F => break,
            _ => {
                let Some(c) = text[at..].chars().next() else {
                    break;
                };
                let (is_digit, is_gap) = (digit_value(c).is_some(), gap_of(c).is_some());
                if !(is_digit || is_gap || is_invisible(c)) {
                    break;
                }
                (is_digit, is_gap, c.len_utf8())
            }
        };
        at += length;
        if is_digit {
            (digits, gap, end) = (digits + 1, 0, at);
        } else if is_gap {
            gap += 1;
            if gap > WIDEST_GAP {
                break;
            }
        }
    }
    (digits, end)
}

/// Reads the chain that starts with the digit at byte `from`; returns it and the offset behind it.
pub(super) fn chain(text: &str, from: usize, groups: &mut Chain) -> usize {
    groups.clear();
    let mut gap = Gap::Start;
    let mut gap_length = 0;
    let mut open: Option<Group> = None;
    let mut end = from;
    for (offset, c) in text[from..].char_indices() {
        let at = from + offset;
        if let Some(value) = digit_value(c) {
            let group = open.get_or_insert_with(|| Group {
                digits: SmallVec::new(),
                start: at,
                end: at,
                gap,
                plus: None,
                attached: false,
            });
            group.digits.push(value);
            group.end = at + c.len_utf8();
            end = group.end;
        } else if is_invisible(c) {
        } else if let Some(kind) = gap_of(c) {
            if let Some(group) = open.take() {
                groups.push(group);
                gap = kind;
                gap_length = 1;
            } else {
                gap_length += 1;
                gap = stronger(gap, kind);
            }
            if gap_length > WIDEST_GAP {
                break;
            }
        } else {
            break;
        }
    }
    groups.extend(open);
    if let Some(first) = groups.first_mut() {
        first.plus = plus_before(text, first.start);
        let before = text.as_bytes()[..first.start].last();
        first.attached =
            before.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/'));
    }
    end
}

fn stronger(a: Gap, b: Gap) -> Gap {
    match (a, b) {
        (Gap::Bracket, _) | (_, Gap::Bracket) => Gap::Bracket,
        (Gap::Space, other) => other,
        (kept, _) => kept,
    }
}

/// A `+` right before `at`, perhaps with a bracket or a space between.
fn plus_before(text: &str, at: usize) -> Option<usize> {
    text[..at]
        .char_indices()
        .rev()
        .take(2)
        .take_while(|(_, c)| matches!(c, '+' | '＋' | '(' | '（' | ' '))
        .find(|(_, c)| matches!(c, '+' | '＋'))
        .map(|(offset, _)| offset)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_chain_is_as_long_as_it_reaches(text in "[0-9１۵][0-9０-９٣۵𝟘 ()（）.．·~—\u{ad}\u{200b}\u{3000}年a,-]{0,24}") {
            let mut groups = Chain::new();
            let end = chain(&text, 0, &mut groups);
            let digits = groups.iter().map(Group::len).sum::<usize>();
            prop_assert_eq!(reach(&text, 0), (digits, end));
        }
    }
}
