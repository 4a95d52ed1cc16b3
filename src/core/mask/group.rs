//! Groups of digits as they stand in a text, with what stands between them.
//!
//! Invariant: a chain holds digits only, each with its value whatever its script, and never crosses a line, a comma, a
//! colon, a slash or a letter. A group is either of figures or spelled out, never both.

use smallvec::SmallVec;

use super::script::{digit_value, is_invisible, value_of};

/// What separates a group from the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// The first group of a chain.
    Start,
    Space,
    Hyphen,
    Dot,
    Bracket,
    /// Nothing but the change from figures to other digits, or back.
    Script,
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
    /// Spelled out in Chinese, raised, or in circles: no figures.
    pub spelled: bool,
    /// A sign or code of a currency stands before it, or a unit of money behind it.
    pub money: bool,
    /// Follows one point and two or three digits, as the decimals of degrees do.
    pub decimals: bool,
    /// An `X` stands behind it.
    pub check_letter: bool,
}

impl Group {
    fn empty(start: usize, gap: Gap, spelled: bool) -> Self {
        Self {
            digits: SmallVec::new(),
            start,
            end: start,
            gap,
            plus: None,
            attached: false,
            spelled,
            money: false,
            decimals: false,
            check_letter: false,
        }
    }

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

pub(super) fn gap_of(c: char) -> Option<Gap> {
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
                let (is_digit, is_gap) = (value_of(c).is_some(), gap_of(c).is_some());
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
        if let Some((value, figure)) = value_of(c) {
            let spelled = !figure;
            if open.as_ref().is_some_and(|group| group.spelled != spelled) {
                groups.extend(open.take());
                gap = Gap::Script;
            }
            let group = open.get_or_insert_with(|| Group {
                decimals: gap == Gap::Dot && gap_length == 1 && may_have_decimals(groups),
                ..Group::empty(at, gap, spelled)
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
        first.money = money_before(&text[..first.start]);
    }
    if let Some(last) = groups.last_mut() {
        last.money |= money_after(&text[last.end..]);
        last.check_letter = text[last.end..].starts_with(['X', 'x', 'Ｘ', 'ｘ']);
    }
    end
}

/// Whether the last group may be the whole part of degrees: the first of its chain or behind a space, and short.
fn may_have_decimals(groups: &[Group]) -> bool {
    groups.last().is_some_and(|group| {
        matches!(group.len(), 2 | 3) && matches!(group.gap, Gap::Start | Gap::Space | Gap::Hyphen)
    })
}

fn money_before(before: &str) -> bool {
    let before = before.trim_end_matches(' ');
    before.ends_with(['$', '＄', '¥', '￥', '€', '£'])
        || ["USD", "CNY", "RMB", "EUR"]
            .iter()
            .any(|code| before.ends_with(code))
}

fn money_after(after: &str) -> bool {
    let after = after.strip_prefix(' ').unwrap_or(after);
    // 元宵 and 元旦 are days.
    let day = after.starts_with("元宵") || after.starts_with("元旦");
    let units = ["元", "美元", "dollars", "yuan", "euros"];
    !day && units.iter().any(|unit| after.starts_with(unit))
}

fn stronger(a: Gap, b: Gap) -> Gap {
    match (a, b) {
        (Gap::Bracket, _) | (_, Gap::Bracket) => Gap::Bracket,
        (Gap::Space | Gap::Script, other) => other,
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

/// Three, four and four figures with the same marks between them, as in `138_0013_8000`, starting at byte `from`; the end.
///
/// Marks that a chain does not cross are meant here. Such numbers are written to be found by people and not by machines.
pub(super) fn divided(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    let mut marks: Option<&str> = None;
    let mut groups = [0_u64; 3];
    for (index, length) in [3, 4, 4].into_iter().enumerate() {
        if index > 0 {
            let mark = mark(&text[at..])?;
            if marks.is_some_and(|known| known != mark) && !is_bracket(mark) {
                return None;
            }
            marks.get_or_insert(mark);
            at += mark.len();
        }
        for _ in 0..length {
            let c = text[at..].chars().next()?;
            groups[index] = groups[index] * 10 + u64::from(digit_value(c)?);
            at += c.len_utf8();
        }
    }
    let more = text[at..].chars().next().and_then(digit_value).is_some();
    // 150、1500、2003 are quantities.
    let [_, b, c] = groups;
    let round = b >= 1000 && (b % 100 == 0 || c % 100 == 0 || b % 10 == 0 && c % 10 == 0);
    (!more && !round && (130..200).contains(&groups[0])).then_some(at)
}

/// The marks at the start of `text`: up to four characters that are neither letters nor digits, all on one line.
fn mark(text: &str) -> Option<&str> {
    let end = text.find(|c: char| c.is_alphanumeric() || c == '\n')?;
    let mark = &text[..end];
    let listed =
        mark.len() > 1 && mark.starts_with([',', '，', '、', ';', '；']) && mark.ends_with(' ');
    (!listed && !mark.is_empty() && mark.chars().take(5).count() < 5).then_some(mark)
}

fn is_bracket(mark: &str) -> bool {
    mark.starts_with(['[', ']', '【', '】', '{', '}', '<', '>', '「', '」'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_chain_is_as_long_as_it_reaches(text in "[0-9１۵一][0-9０-９٣۵𝟘一〇②²\u{301} ()（）.．·~—\u{ad}\u{200b}\u{3000}年a,-]{0,24}") {
            let mut groups = Chain::new();
            let end = chain(&text, 0, &mut groups);
            let digits = groups.iter().map(Group::len).sum::<usize>();
            prop_assert_eq!(reach(&text, 0), (digits, end));
        }
    }
}
