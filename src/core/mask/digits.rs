//! Telephone and identity numbers: which chains of digits are one.
//!
//! Invariant: a decision depends on the digits, their grouping and a cue word just before them, never on their script.
//! Work is linear in the text: from each group a bounded number of digits is looked at.

use super::group::{Chain, Gap, Group, chain, divided, reach};
use super::scan;
use super::script::{digit_value, spelled_value};
use super::shapes::{LONGEST, cued, is_year, number, spelled};

/// Fewest digits of a chain in which anything is masked.
const FEWEST_DIGITS: usize = 7;
/// Characters before a number in which a cue word is looked for.
const CUE_REACH: usize = 14;

/// Words that announce a number to reach or identify somebody; lower case.
const CUES: [&str; 41] = [
    "电话",
    "電話",
    "热线",
    "熱線",
    "手机",
    "手機",
    "致电",
    "致電",
    "拨打",
    "撥打",
    "联系",
    "聯繫",
    "座机",
    "传真",
    "微信",
    "身份证",
    "qq",
    "tel",
    "phone",
    "fax",
    "mobile",
    "whatsapp",
    "cell",
    "call ",
    "sms",
    "contact",
    "ssn",
    "身份證",
    "身分證",
    "护照",
    "護照",
    "passport",
    "通行证",
    "咨询",
    "諮詢",
    "客服",
    "举报",
    "求助",
    "短信",
    "hotline",
    "id card",
];

/// Adds the byte spans of telephone and identity numbers in `text`.
pub(super) fn find(text: &str, found: &mut Vec<(usize, usize)>) {
    let mut groups = Chain::new();
    let mut from = 0;
    while let Some(digit) = next_digit(text, from) {
        let start = spelled_before(text, from, digit);
        from = one(text, start, &mut groups, found);
    }
    from = 0;
    while let Some(start) = scan::spelled_run(text, from) {
        from = one(text, start, &mut groups, found);
    }
}

/// The chain that starts at `start`; where to go on.
fn one(text: &str, start: usize, groups: &mut Chain, found: &mut Vec<(usize, usize)>) -> usize {
    let (digits, end) = reach(text, start);
    if digits >= FEWEST_DIGITS {
        chain(text, start, groups);
        in_chain(text, groups, found);
    } else if let Some(end) = divided(text, start) {
        found.push((start, end));
        return end;
    }
    end
}

/// Start of the spelled-out digits right before the figure at `digit`, as in 一3八00138000.
fn spelled_before(text: &str, from: usize, digit: usize) -> usize {
    let before = text[from..digit].char_indices().rev().take(3);
    before
        .take_while(|(_, c)| spelled_value(*c).is_some())
        .last()
        .map_or(digit, |(offset, _)| from + offset)
}

/// Offset of the next digit at or after `from`.
fn next_digit(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    let mut checked = at;
    while at < bytes.len() {
        if at >= checked {
            at += scan::without_digits(&bytes[at..]);
            checked = at + scan::BLOCK;
        }
        match *bytes.get(at)? {
            b'0'..=b'9' => return Some(at),
            // No start of a character, or of no digit: among them those of nearly all Chinese characters.
            0..0xC0 | 0xE3..=0xE9 => at += 1,
            0xEF if !bytes[at..].starts_with(b"\xEF\xBC") => at += 3,
            0xE2 if bytes.get(at + 1) == Some(&0x80) => at += 3,
            _ => {
                let c = text[at..].chars().next()?;
                if digit_value(c).is_some() {
                    return Some(at);
                }
                at += c.len_utf8();
            }
        }
    }
    None
}

fn in_chain(text: &str, groups: &[Group], found: &mut Vec<(usize, usize)>) {
    // Looked up at most once, and only for digits that no shape has claimed: most chains are dates.
    let mut cue = None;
    let mut announced = || *cue.get_or_insert_with(|| has_cue(&text[..groups[0].start]));
    let mut index = 0;
    while index < groups.len() {
        let rest = &groups[index..];
        if let Some(date) = date(rest) {
            index += date;
            continue;
        }
        let mut next = rest.iter().take(LONGEST);
        let figures = next.position(|group| group.spelled).unwrap_or(rest.len());
        let taken = number(&rest[..figures])
            .or_else(|| spelled(rest))
            .or_else(|| cued(&rest[..figures]).filter(|_| announced()));
        match taken {
            Some(count) => {
                let start = rest[0].plus.unwrap_or(rest[0].start);
                found.push((start, with_check_letter(text, &rest[..count])));
                index += count;
            }
            None => index += 1,
        }
    }
}

/// End of the number, with the `X` that may close an identity number.
fn with_check_letter(text: &str, groups: &[Group]) -> usize {
    let end = groups[groups.len() - 1].end;
    let digits: usize = groups.iter().map(Group::len).sum();
    match text[end..].chars().next() {
        Some(x @ ('X' | 'x' | 'Ｘ' | 'ｘ')) if digits == 17 => end + x.len_utf8(),
        _ => end,
    }
}

/// Whether a cue word stands just before.
fn has_cue(before: &str) -> bool {
    let start = before
        .char_indices()
        .rev()
        .take(CUE_REACH)
        .last()
        .map_or(0, |(offset, _)| offset);
    if before.len() - start < 2 {
        return false;
    }
    let near = before[start..].to_lowercase();
    CUES.iter().any(|cue| near.contains(cue))
}

/// Groups of a calendar date at the start of `rest`: `2016-07-13`, `13.07.2016`.
fn date(rest: &[Group]) -> Option<usize> {
    let [a, b, c, ..] = rest else { return None };
    if b.gap != c.gap || b.gap == Gap::Bracket || a.plus.is_some() {
        return None;
    }
    let year = |g: &Group| g.len() == 4 && is_year(g.value());
    let small = |g: &Group| g.len() <= 2 && (1..=31).contains(&g.value());
    let fits = (year(a) && small(b) && small(c)) || (small(a) && small(b) && year(c));
    fits.then_some(3)
}
