//! Telephone and identity numbers: which chains of digits are one.
//!
//! Invariant: a decision depends on the digits, their grouping and a cue word just before them, never on their script.
//! Work is linear in the text: from each group at most [`LONGEST`] digits are looked at.

use smallvec::SmallVec;

use super::group::{Chain, Gap, Group, chain, digit_value, reach};
use super::scan;

/// Fewest digits of a chain in which anything is masked.
const FEWEST_DIGITS: usize = 7;
/// Most digits of any number looked for.
const LONGEST: usize = 19;
/// Characters before a number in which a cue word is looked for.
const CUE_REACH: usize = 14;

/// Words that announce a number to reach or identify somebody; lower case.
const CUES: [&str; 27] = [
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
];

/// Adds the byte spans of telephone and identity numbers in `text`.
pub(super) fn find(text: &str, found: &mut Vec<(usize, usize)>) {
    let mut groups = Chain::new();
    let mut from = 0;
    while let Some(start) = next_digit(text, from) {
        let (digits, end) = reach(text, start);
        if digits >= FEWEST_DIGITS {
            chain(text, start, &mut groups);
            in_chain(text, &groups, found);
        }
        from = end;
    }
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
            // Lead bytes of the digits that are not ASCII; see `digit_value`.
            0xEF | 0xD9 | 0xDB | 0xF0 => {
                let c = text[at..].chars().next()?;
                if digit_value(c).is_some() {
                    return Some(at);
                }
                at += c.len_utf8();
            }
            _ => at += 1,
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
        let taken = if let Some(date) = date(rest) {
            index += date;
            continue;
        } else {
            number(rest).or_else(|| cued(rest).filter(|_| announced()))
        };
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

fn is_year(value: u64) -> bool {
    (1800..2100).contains(&value)
}

/// Groups of the number that starts with the first group, by its digits and shape alone.
fn number(rest: &[Group]) -> Option<usize> {
    international(rest)
        .or_else(|| single(&rest[0], rest.get(1)))
        .or_else(|| mobile(rest))
        .or_else(|| landline(rest))
        .or_else(|| american(rest))
        .or_else(|| identity(rest))
        .or_else(|| local(rest))
}

/// How many groups from the start make `wanted` digits, if they end with a group.
fn groups_for(rest: &[Group], wanted: usize) -> Option<usize> {
    let mut sum = 0;
    for (index, group) in rest.iter().enumerate() {
        sum += group.len();
        if sum >= wanted {
            return (sum == wanted).then_some(index + 1);
        }
    }
    None
}

/// Most groups from the start with at most `most` digits; (groups, digits).
fn greedy(rest: &[Group], most: usize) -> (usize, usize) {
    let mut digits = 0;
    let mut count = 0;
    for group in rest {
        if digits + group.len() > most {
            break;
        }
        digits += group.len();
        count += 1;
    }
    (count, digits)
}

fn joined(rest: &[Group]) -> impl Iterator<Item = u8> + '_ {
    rest.iter()
        .flat_map(|group| group.digits.iter().copied())
        .take(LONGEST)
}

fn begins(rest: &[Group], with: &[u8]) -> bool {
    joined(rest).take(with.len()).eq(with.iter().copied())
}

/// `+` or `00` and a country code: 7–15 digits in all (E.164).
fn international(rest: &[Group]) -> Option<usize> {
    let zeros = if rest[0].plus.is_some() {
        0
    } else if begins(rest, &[0, 0])
        && !rest
            .get(1)
            .is_some_and(|next| next.len() < 2 || next.gap == Gap::Dot)
        && rest[0].len() >= 4
    {
        2
    } else {
        return None;
    };
    let code: SmallVec<[u8; 3]> = joined(rest).skip(zeros).take(3).collect();
    let exact = match code.as_slice() {
        [8, 6, 1] => groups_for(rest, zeros + 13),
        [1, ..] => groups_for(rest, zeros + 11),
        _ => None,
    };
    if exact.is_some() {
        return exact;
    }
    let (count, digits) = greedy(rest, zeros + 15);
    let fewest = if zeros == 0 { 7 } else { 10 };
    (digits >= fewest).then_some(count)
}

/// A number written without any gap.
fn single(group: &Group, next: Option<&Group>) -> Option<usize> {
    let d = &group.digits;
    let dotted = group.gap == Gap::Dot || next.is_some_and(|next| next.gap == Gap::Dot);
    let hit = match d.len() {
        // North American; a dotted chain is an object identifier, a round number a quantity.
        10 => {
            (d[0] == 0 && !matches!(group.gap, Gap::Hyphen | Gap::Dot))
                || (d[0] >= 2 && !dotted && !d.ends_with(&[0, 0, 0, 0, 0]))
        }
        11 => d[0] == 0 || (d[0] == 1 && d[1] >= 2),
        12 => d[0] == 0 || d.starts_with(&[8, 6]),
        13 => d.starts_with(&[8, 6, 1]) && d[3] >= 3,
        length => length >= 15,
    };
    hit.then_some(1)
}

/// Chinese mobile: eleven digits from 13 to 19, after `86` perhaps.
fn mobile(rest: &[Group]) -> Option<usize> {
    let prefix = usize::from(rest[0].starts_with(&[8, 6]) && rest[0].len() == 2);
    let rest = &rest[prefix..];
    let mut lead = joined(rest);
    if lead.next() != Some(1) || lead.next().is_none_or(|d| d < 3) {
        return None;
    }
    let count = groups_for(rest, 11)?;
    let used = &rest[..count];
    let spelled = used.iter().all(|group| group.len() == 1);
    let spaced = used[1..].iter().any(|group| group.gap == Gap::Space);
    let shaped =
        count <= 4 && matches!(used[0].len(), 3 | 7) || count <= 3 && used[0].len() == 4 && !spaced;
    // Points join other numbers, addresses of machines among them: only the usual grouping counts there.
    let dotted = used[1..].iter().any(|group| group.gap == Gap::Dot);
    let usual = used.iter().map(Group::len).eq([3, 4, 4]);
    let fits = spelled || shaped && (usual || !dotted) || used[0].len() == 11;
    fits.then_some(prefix + count)
}

/// A trunk zero: `010-6234 5678`, `(0755) 8888 1234`, `06 12 34 56 78`, `020 7946 0958`.
fn landline(rest: &[Group]) -> Option<usize> {
    let first = &rest[0];
    if first.digits[0] != 0 || !(2..=5).contains(&first.len()) || first.value() == 0 {
        return None;
    }
    // Points join numbers of other kinds; only the French way of writing, in pairs, has them all through.
    let limit = rest
        .iter()
        .take(LONGEST)
        .position(|group| group.gap == Gap::Dot && group.len() != 2)
        .unwrap_or(rest.len());
    let rest = &rest[..limit.max(1)];
    let (mut count, mut digits) = greedy(rest, 12);
    // A date or a decimal may follow the number; take what ends at a plausible length.
    while count > 1 {
        let shortest = rest[1..count].iter().map(Group::len).min().unwrap_or(0);
        if (9..=12).contains(&digits) && shortest >= 2 {
            return Some(count);
        }
        count -= 1;
        digits -= rest[count].len();
    }
    None
}

/// `415-555-0123`, `(415) 555 0123`, `1 415 555 0123`, `400-820-8820`, `400-8208-820`.
fn american(rest: &[Group]) -> Option<usize> {
    let lead = usize::from(*rest[0].digits == [1]);
    let area = rest.get(lead)?;
    if area.len() != 3 || area.digits[0] < 2 {
        return None;
    }
    let lengths: SmallVec<[usize; 5]> = rest[lead + 1..].iter().take(2).map(Group::len).collect();
    match lengths.as_slice() {
        [3, 4] => Some(lead + 3),
        [4, 3] if area.starts_with(&[4, 0, 0]) || area.starts_with(&[8, 0, 0]) => Some(lead + 3),
        [7, ..] if rest[lead + 1].gap != Gap::Dot && !rest[0].attached => Some(lead + 2),
        _ => None,
    }
}

/// Identity and card numbers in groups: `110101 19900307 8515`, `123-45-6789`, `6222 0200 1234 5678`.
fn identity(rest: &[Group]) -> Option<usize> {
    let lengths: SmallVec<[usize; 5]> = rest.iter().take(5).map(Group::len).collect();
    match lengths.as_slice() {
        [6, 8, 3 | 4, ..] => Some(3),
        [6, 4, 4, 3 | 4, ..] => Some(4),
        [3, 2, 4, ..] if rest[1].gap == Gap::Hyphen && rest[2].gap == Gap::Hyphen => Some(3),
        [4, 4, 4, 4, more @ ..] if !rest[..4].iter().all(|group| is_year(group.value())) => {
            Some(4 + usize::from(more.first().is_some_and(|length| *length <= 3)))
        }
        _ => None,
    }
}

/// Local numbers with a hyphen: `555-0123`, `6234-5678`; not ranges of years or of round quantities.
fn local(rest: &[Group]) -> Option<usize> {
    let [a, b, ..] = rest else { return None };
    if b.gap != Gap::Hyphen
        || a.attached
        || !matches!((a.len(), b.len()), (3 | 4, 4))
        || rest.get(2).is_some_and(|c| c.gap != Gap::Space)
    {
        return None;
    }
    let (low, high) = (a.value(), b.value());
    let years = is_year(low) && is_year(high);
    let range = b.digits[0] != 0 && low < high && low % 10 == 0 && high % 10 == 0;
    (!years && !range && a.digits[0] != 0).then_some(2)
}

/// After a cue word: any 7–14 digits.
fn cued(rest: &[Group]) -> Option<usize> {
    let (count, digits) = greedy(rest, 14);
    (digits >= 7).then_some(count)
}
