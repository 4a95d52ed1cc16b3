//! Simple case folding: one character to one character, so that lengths and places stay what they are.

use std::sync::LazyLock;

use crate::core::normalise::fold_ascii;

/// By code unit of the basic plane: its lower-case form, where that is one character of the same plane.
static TABLE: LazyLock<Box<[u16]>> = LazyLock::new(|| {
    (0..=u16::MAX)
        .map(|unit| {
            char::from_u32(u32::from(unit))
                .map(char_fold)
                .and_then(|c| u16::try_from(u32::from(c)).ok())
                .unwrap_or(unit)
        })
        .collect()
});

/// The folded form of one character.
pub(super) fn char_fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    match c {
        // Lower case already, but the same letter as another lower-case form (simple folding of Unicode's CaseFolding.txt).
        'ſ' => return 's',
        'ς' => return 'σ',
        'µ' => return 'μ',
        _ => {}
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => c,
    }
}

/// A folded text.
pub(super) fn fold(text: &str) -> String {
    text.chars().map(char_fold).collect()
}

/// Whether two texts are the same but for case.
pub(super) fn same(a: &str, b: &str) -> bool {
    a == b || a.chars().map(char_fold).eq(b.chars().map(char_fold))
}

/// Whether a code unit has no other case: Han, kana, Yi and Hangul, which make up most of what is not ASCII.
#[inline]
fn caseless(unit: u16) -> bool {
    matches!(unit, 0x2E80..=0xA63F | 0xAC00..=0xD7FF)
}

/// Appends the folded text as UTF-16. Allocates only when `out` has to grow.
pub(super) fn fold_into(text: &str, out: &mut Vec<u16>) {
    let table = &*TABLE;
    let bytes = text.as_bytes();
    let begin = out.len();
    // No byte makes more than one unit.
    out.resize(begin + bytes.len(), 0);
    let (mut at, mut to) = (0, begin);
    while at < bytes.len() {
        let done = fold_ascii(&bytes[at..], &mut out[to..]);
        at += done;
        to += done;
        let done = wide(&bytes[at..], &mut out[to..], table);
        at += 3 * done;
        to += done;
        while let Some(&[b0, b1, b2]) = bytes.get(at..at + 3)
            && b0 & 0xF0 == 0xE0
        {
            let unit = u16::from(b0) << 12 | (u16::from(b1) & 0x3F) << 6 | (u16::from(b2) & 0x3F);
            out[to] = if caseless(unit) {
                unit
            } else {
                table[usize::from(unit)]
            };
            to += 1;
            at += 3;
        }
        if let Some(&lead) = bytes.get(at)
            && lead >= 0x80
            && lead & 0xF0 != 0xE0
        {
            let Some(c) = text[at..].chars().next() else {
                break;
            };
            at += c.len_utf8();
            let mut pair = [0; 2];
            for unit in char_fold(c).encode_utf16(&mut pair) {
                out[to] = *unit;
                to += 1;
            }
        }
    }
    out.truncate(to);
}

/// Folds the leading characters of three bytes, four by four; how many.
#[inline]
fn wide(bytes: &[u8], out: &mut [u16], table: &[u16]) -> usize {
    let mut done = 0;
    for (four, to) in bytes
        .as_chunks::<12>()
        .0
        .iter()
        .zip(out.as_chunks_mut::<4>().0)
    {
        // In UTF-8 only such a character begins with 1110.
        let (all, any) = (
            four[0] & four[3] & four[6] & four[9],
            four[0] | four[3] | four[6] | four[9],
        );
        if all & 0xF0 != 0xE0 || any & 0xF0 != 0xE0 {
            break;
        }
        let unit = |at: usize| {
            u16::from(four[at]) << 12
                | (u16::from(four[at + 1]) & 0x3F) << 6
                | (u16::from(four[at + 2]) & 0x3F)
        };
        let units = [unit(0), unit(3), unit(6), unit(9)];
        *to = units;
        if !(caseless(units[0]) & caseless(units[1]) & caseless(units[2]) & caseless(units[3])) {
            for (unit, to) in units.iter().zip(to) {
                *to = table[usize::from(*unit)];
            }
        }
        done += 4;
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_character_folds_to_one() {
        let mut out = Vec::new();
        for c in (0..=0x1_FFFF).filter_map(char::from_u32) {
            out.clear();
            fold_into(&c.to_string(), &mut out);
            assert_eq!(
                String::from_utf16(&out).unwrap(),
                char_fold(c).to_string(),
                "U+{:04X}",
                u32::from(c)
            );
        }
        assert_eq!(fold("ÄÖ Straße İΣ ＬＰＧ 火"), "äö straße İσ ｌｐｇ 火");
    }

    proptest! {
        #[test]
        fn the_fast_way_is_the_slow_way(text in "[ -~äÄЖж火龥한🔥\\n]{0,60}") {
            let mut out = vec![7];
            fold_into(&text, &mut out);
            prop_assert_eq!(String::from_utf16(&out[1..]).unwrap(), fold(&text));
            prop_assert!(same(&text, &fold(&text)));
        }
    }
}
