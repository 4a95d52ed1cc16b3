//! Digits of every script, and characters that cannot be seen.
//!
//! Invariant: whatever the normaliser would make a decimal digit or would remove is known here, so that writing a number
//! in another script or with something invisible in it does not bring it past the masks. The spelled-out Chinese digits are
//! kept apart: they are words of every other sentence too.

/// Zeros of the decimal digits outside of ASCII (Unicode 16, general category Nd); nine more digits follow each. Sorted.
const ZEROS: [u32; 66] = [
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6,
    0xE50, 0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50,
    0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
    0x1_04A0, 0x1_0D30, 0x1_1066, 0x1_10F0, 0x1_1136, 0x1_11D0, 0x1_12F0, 0x1_1450, 0x1_14D0,
    0x1_1650, 0x1_16C0, 0x1_1730, 0x1_18E0, 0x1_1950, 0x1_1C50, 0x1_1D50, 0x1_1DA0, 0x1_6A60,
    0x1_6AC0, 0x1_6B50, 0x1_CCF0, 0x1_D7CE, 0x1_D7D8, 0x1_D7E2, 0x1_D7EC, 0x1_D7F6, 0x1_E140,
    0x1_E2F0, 0x1_E950, 0x1_FBF0,
];

/// Ones of the digits in circles, brackets and with full stops; eight more follow each.
const ONES: [u32; 8] = [
    0x2460, 0x2474, 0x2488, 0x24F5, 0x2776, 0x2780, 0x278A, 0x1_F102,
];

/// Value of a digit that is written as one, in any script, raised, lowered or encircled.
pub(super) fn digit_value(c: char) -> Option<u8> {
    figure(c).or_else(|| marker_value(c))
}

/// Value of a digit, and whether it is a plain figure. Others may be the number of a line before the number that matters.
pub(super) fn value_of(c: char) -> Option<(u8, bool)> {
    match figure(c) {
        Some(value) => Some((value, true)),
        None if c.is_ascii() => None,
        None => Some((marker_value(c).or_else(|| spelled_value(c))?, false)),
    }
}

/// Value of a decimal digit of any script.
fn figure(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.is_ascii_digit().then(|| c as u8 - b'0');
    }
    let code = c as u32;
    let at = ZEROS.partition_point(|zero| *zero <= code);
    let zero = at.checked_sub(1).map(|index| ZEROS[index])?;
    (code < zero + 10).then(|| (code - zero) as u8)
}

/// Value of a digit that is raised, lowered, or in a circle or brackets.
fn marker_value(c: char) -> Option<u8> {
    let code = c as u32;
    if let Some(one) = ONES.iter().find(|one| (**one..**one + 9).contains(&code)) {
        return Some((code - one) as u8 + 1);
    }
    match c {
        '⓪' | '⓿' | '🄋' | '🄌' | '🄀' | '🄁' => Some(0),
        '¹' => Some(1),
        '²' => Some(2),
        '³' => Some(3),
        '⁰' | '⁴'..='⁹' => Some((code - 0x2070) as u8),
        '₀'..='₉' => Some((code - 0x2080) as u8),
        _ => None,
    }
}

/// Every spelled-out digit, three bytes each.
pub(super) const SPELLED: &str = "零〇○一幺壹二贰貳三叁參四肆五伍六陆陸七柒八捌九玖";

/// Value of a spelled-out Chinese digit: 一, 幺, 壹.
pub(super) fn spelled_value(c: char) -> Option<u8> {
    Some(match c {
        '零' | '〇' | '○' => 0,
        '一' | '幺' | '壹' => 1,
        '二' | '贰' | '貳' => 2,
        '三' | '叁' | '參' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' | '陸' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

/// What the normaliser removes, and marks that only decorate the character before them.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{300}'..='\u{36F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{20D0}'..='\u{20F0}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}'
        | '\u{FEFF}' | '\u{FFA0}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::normalise::oracle;

    #[test]
    fn every_spelled_digit_is_listed() {
        for c in (0..=0x1_FFFF_u32).filter_map(char::from_u32) {
            assert_eq!(spelled_value(c).is_some(), SPELLED.contains(c), "{c}");
        }
        assert!(SPELLED.chars().all(|c| c.len_utf8() == 3));
    }

    /// The oracle: what normalises to one ASCII digit is a digit of that value.
    #[test]
    fn every_digit_of_unicode_is_known() {
        let mut buffer = [0; 4];
        for c in (0x80..=0x1_FFFF_u32).filter_map(char::from_u32) {
            let normal = oracle(c.encode_utf8(&mut buffer));
            if let [digit @ b'0'..=b'9'] = normal.as_bytes() {
                assert_eq!(digit_value(c), Some(digit - b'0'), "U+{:04X}", c as u32);
            }
            if normal.is_empty() {
                assert!(is_invisible(c), "U+{:04X}", c as u32);
            }
        }
        assert!(ZEROS.is_sorted());
        for zero in ZEROS {
            for value in 0..10 {
                let c = char::from_u32(zero + value).unwrap();
                assert!(c.is_numeric(), "U+{:04X}", c as u32);
            }
        }
    }
}
