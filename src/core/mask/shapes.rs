//! The shapes of telephone, identity and card numbers.
//!
//! Invariant: each function answers for a number that starts with the first group, by digits, grouping and gaps alone, and
//! looks at a bounded number of groups.

use smallvec::SmallVec;

use super::group::{Gap, Group};

/// Most digits of any number looked for.
pub(super) const LONGEST: usize = 19;

pub(super) fn is_year(value: u64) -> bool {
    (1800..2100).contains(&value)
}

/// Groups of the number that starts with the first group, by its digits and shape alone.
pub(super) fn number(rest: &[Group]) -> Option<usize> {
    let first = rest.first()?;
    international(rest)
        .or_else(|| single(first, rest.get(1)))
        .or_else(|| mobile(rest))
        .or_else(|| landline(rest))
        .or_else(|| american(rest))
        .or_else(|| service(rest))
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
        && rest[0].gap != Gap::Dot
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
    if group.decimals && d.len() <= 17 {
        return None;
    }
    let after_dot = group.gap == Gap::Dot;
    let dotted = after_dot || next.is_some_and(|next| next.gap == Gap::Dot);
    let hit = match d.len() {
        // North American; a dotted chain is an object identifier, a round number a quantity.
        10 => {
            (d[0] == 0 && !matches!(group.gap, Gap::Hyphen | Gap::Dot))
                || (d[0] >= 2 && !dotted && !group.money && !d.ends_with(&[0, 0, 0, 0, 0]))
        }
        // Behind a point are decimals: of degrees, for one.
        11 => (d[0] == 0 && !after_dot) || (d[0] == 1 && d[1] >= 2 && !group.money),
        12 => (d[0] == 0 && !after_dot) || d.starts_with(&[8, 6]),
        13 => d.starts_with(&[8, 6, 1]) && d[3] >= 3,
        15..=17 if after_dot => false,
        length => length >= 15 && !is_stamp(group),
    };
    hit.then_some(1)
}

/// A time of seventeen digits, to the millisecond, or a Unix time in micro- or nanoseconds from 2001 to 2033. Identity
/// numbers have fifteen or eighteen digits, or seventeen and an `X`.
fn is_stamp(group: &Group) -> bool {
    let d = &group.digits;
    let below = |at: usize, end: u8| d[at] * 10 + d[at + 1] < end;
    let clock = |d: &[u8]| d.len() == 17 && below(8, 24) && below(10, 60) && below(12, 60);
    let date = below(0, 21) && !below(0, 19) && below(4, 13) && below(6, 32);
    date && clock(d) && !group.check_letter || matches!(d.len(), 16 | 19) && d[0] == 1
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
    if used[0].decimals || used.iter().any(|group| group.money) {
        return None;
    }
    let spelled = used.iter().all(|group| group.len() == 1);
    let spaced = used[1..].iter().any(|group| group.gap == Gap::Space);
    let shaped =
        count <= 4 && matches!(used[0].len(), 3 | 7) || count <= 3 && used[0].len() == 4 && !spaced;
    // Points join other numbers, addresses of machines among them: only the usual grouping counts there.
    let dotted = used[1..].iter().any(|group| group.gap == Gap::Dot);
    let usual = used.iter().map(Group::len).eq([3, 4, 4]);
    let fits = spelled || shaped && (usual || !dotted) || used[0].len() == 11 || in_two(used);
    fits.then_some(prefix + count)
}

/// `13800 138000`, but not two round quantities.
fn in_two(used: &[Group]) -> bool {
    let [a, b] = used else { return false };
    let round = a.value() % 100 == 0 && b.value() % 100 == 0;
    b.gap == Gap::Space && matches!((a.len(), b.len()), (5, 6) | (6, 5)) && !round
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

/// Service numbers in other groups: `400-820-88-20`.
fn service(rest: &[Group]) -> Option<usize> {
    let area = rest[0].len() == 3 && (begins(rest, &[4, 0, 0]) || begins(rest, &[8, 0, 0]));
    let count = groups_for(rest, 10).filter(|_| area)?;
    let hyphens = rest[1..count].iter().all(|group| group.gap == Gap::Hyphen);
    hyphens.then_some(count)
}

/// A number of which at least a part is spelled out. The run may go on with words that are digits too (一直打不通), so
/// that whole groups are taken until there are enough.
pub(super) fn spelled(rest: &[Group]) -> Option<usize> {
    if !rest.iter().take(LONGEST).any(|group| group.spelled) {
        return None;
    }
    let all: SmallVec<[u8; 20]> = joined(rest).collect();
    let prefix = match all.as_slice() {
        [0, 0, 8, 6, ..] => 4,
        [8, 6, 1, ..] => 2,
        _ => 0,
    };
    let d = &all[prefix..];
    let born = matches!(d.get(6..8), Some([1, 9] | [2, 0]));
    match d {
        [1..=8, ..] if born && d.len() >= 17 => reach(rest, 18).or_else(|| reach(rest, 17)),
        [1, 3..=9, ..] | [0, 1..=9, ..] => reach(rest, prefix + 11),
        [4 | 8, 0, 0, ..] => reach(rest, prefix + 10),
        _ => None,
    }
}

/// How many groups from the start have at least `wanted` digits.
fn reach(rest: &[Group], wanted: usize) -> Option<usize> {
    let mut sum = 0;
    for (index, group) in rest.iter().enumerate() {
        sum += group.len();
        if sum >= wanted {
            return Some(index + 1);
        }
    }
    None
}

/// Identity and card numbers in groups: `110101 19900307 8515`, `123-45-6789`, `6222 0200 1234 5678`.
fn identity(rest: &[Group]) -> Option<usize> {
    let lengths: SmallVec<[usize; 5]> = rest.iter().take(5).map(Group::len).collect();
    match lengths.as_slice() {
        [6, 8, 3 | 4, ..] => Some(3),
        [6, 4, 4, 3 | 4, ..] => Some(4),
        [3, 2, 4, ..] if rest[1].gap == Gap::Hyphen && rest[2].gap == Gap::Hyphen => Some(3),
        [4, 4, 4, 4, more @ ..]
            if !rest[..4].iter().all(|group| is_year(group.value()))
                && !rest[..4].iter().all(|group| group.value() % 100 == 0) =>
        {
            Some(4 + usize::from(more.first().is_some_and(|length| *length <= 3)))
        }
        _ => None,
    }
}

/// Local numbers with a hyphen: `555-0123`, `6234-5678`; not ranges of years, of round quantities or of a street's houses.
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
    let houses = a.len() == 4 && low < high && high - low <= 100;
    (!years && !range && !houses && a.digits[0] != 0).then_some(2)
}

/// After a cue word: any 7–14 digits.
pub(super) fn cued(rest: &[Group]) -> Option<usize> {
    let (count, digits) = greedy(rest, 14);
    (digits >= 7).then_some(count)
}
