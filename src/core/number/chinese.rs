//! Chinese numerals, both ways.
//!
//! Invariant: `parse_chinese(&chinese_numeral(n)) == Some(n)` for every n below 10¹².

/// Longest numeral that is read, characters.
pub(super) const MAX_NUMERAL_CHARS: usize = 32;

/// Value of a Chinese digit, plain or financial.
pub(super) fn digit(c: char) -> Option<u64> {
    Some(match c {
        '零' | '〇' => 0,
        '一' | '壹' => 1,
        '二' | '两' | '贰' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

/// Value of a unit.
pub(super) fn unit(c: char) -> Option<u64> {
    Some(match c {
        '十' | '拾' => 10,
        '百' | '佰' => 100,
        '千' | '仟' => 1000,
        '万' => 10_000,
        '亿' => 100_000_000,
        _ => return None,
    })
}

/// Every digit and unit.
const NUMERALS: [char; 29] = [
    '零', '〇', '一', '壹', '二', '两', '贰', '三', '叁', '四', '肆', '五', '伍', '六', '陆', '七',
    '柒', '八', '捌', '九', '玖', '十', '拾', '百', '佰', '千', '仟', '万', '亿',
];

/// By the low byte of a code point: whether any of them has it.
static LOW: [bool; 256] = {
    let mut low = [false; 256];
    let mut n = 0;
    while n < NUMERALS.len() {
        low[(NUMERALS[n] as u32 & 0xFF) as usize] = true;
        n += 1;
    }
    low
};

/// Whether a character is a digit or a unit.
#[inline]
pub(super) fn counts(c: char) -> bool {
    // Most characters are neither, and the table says so in one step.
    LOW[(u32::from(c) & 0xFF) as usize] && (digit(c).is_some() || unit(c).is_some())
}

/// The value of a numeral, which must be the whole of `text`: 两百三十五, 十二, 一万零三十, 二〇〇八, 一百五 (150), and the
/// lower bound of 三四十 (30) and 十二三 (12). None when it is none or exceeds 10¹⁶.
pub fn parse_chinese(text: &str) -> Option<u64> {
    let chars: Vec<char> = text.chars().take(MAX_NUMERAL_CHARS + 1).collect();
    if chars.is_empty() || chars.len() > MAX_NUMERAL_CHARS {
        return None;
    }
    if chars.len() > 1 && chars.iter().all(|&c| digit(c).is_some()) {
        return positional(&chars);
    }
    with_units(&chars)
}

/// Digits alone: a year or a house number, or two neighbours that say “three or four”.
fn positional(chars: &[char]) -> Option<u64> {
    let mut value: u64 = 0;
    for &c in chars {
        value = value.checked_mul(10)?.checked_add(digit(c)?)?;
    }
    let (first, second) = (digit(chars[0])?, digit(chars[1])?);
    if chars.len() == 2 && first > 0 && second == first + 1 {
        return Some(first);
    }
    Some(value)
}

/// Sections of 亿 and 万, each of thousands, hundreds, tens and ones.
fn with_units(chars: &[char]) -> Option<u64> {
    let (mut total, mut section): (u64, u64) = (0, 0);
    let mut pending: Option<u64> = None;
    // The unit that a last digit without one belongs to: 一百五 is 150, 一百零五 is 105.
    let (mut last_unit, mut zero) = (1, false);
    for (i, &c) in chars.iter().enumerate() {
        if let Some(value) = digit(c) {
            match pending {
                // 三四十: the lower bound.
                Some(first) if first > 0 && value == first + 1 => {}
                Some(first) if first > 0 => return None,
                _ => pending = Some(value),
            }
            zero |= value == 0;
            continue;
        }
        let unit = unit(c)?;
        if unit < 10_000 {
            let implied = u64::from(unit == 10 || i == 0);
            section = section.checked_add(pending.take().unwrap_or(implied).checked_mul(unit)?)?;
        } else {
            let below = section.checked_add(pending.take().unwrap_or(u64::from(i == 0)))?;
            let nothing_before = i > 0 && below == 0;
            if nothing_before && unit <= total {
                return None;
            }
            // 一万亿: the larger unit takes all that stands before it.
            if unit > total && total > 0 {
                total = total.checked_add(below)?.checked_mul(unit)?;
            } else {
                total = total.checked_add(below.checked_mul(unit)?)?;
            }
            section = 0;
        }
        (last_unit, zero) = (unit, false);
    }
    if let Some(value) = pending {
        let step = if last_unit >= 100 && !zero {
            last_unit / 10
        } else {
            1
        };
        section = section.checked_add(value.checked_mul(step)?)?;
    }
    let value = total.checked_add(section)?;
    (value <= 10_000_000_000_000_000).then_some(value)
}

/// The numeral of `n`, as it is spoken: 十二, 一百零五, 一万零三十.
///
/// For n ≥ 10¹² the digits are given one by one.
pub fn chinese_numeral(n: u64) -> String {
    const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
    if n >= 1_000_000_000_000 {
        let digits = n.to_string().into_bytes();
        return digits
            .iter()
            .map(|b| DIGITS[usize::from(b - b'0')])
            .collect();
    }
    if n == 0 {
        return "零".to_owned();
    }
    let mut text = String::new();
    let mut gap = false;
    for (size, name) in [(100_000_000, "亿"), (10_000, "万"), (1, "")] {
        let section = n / size % 10_000;
        if section == 0 {
            gap |= !text.is_empty();
            continue;
        }
        for (unit, name) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
            let digit = section / unit % 10;
            if digit == 0 {
                gap |= !text.is_empty();
                continue;
            }
            if gap {
                text.push('零');
                gap = false;
            }
            if !(unit == 10 && digit == 1 && text.is_empty()) {
                text.push(DIGITS[digit as usize]);
            }
            text.push_str(name);
        }
        text.push_str(name);
        gap = false;
        // A section that ends in zeros needs no 零 before the next one, which begins with its own thousands or with 零.
        gap |= !n.is_multiple_of(size) && n % size < size / 10;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numerals_that_people_write() {
        for (text, value) in [
            ("十二", 12),
            ("两百三十五", 235),
            ("二百零五", 205),
            ("一百五", 150),
            ("一百零五", 105),
            ("两千三", 2300),
            ("一万二", 12_000),
            ("一万零二", 10_002),
            ("百", 100),
            ("万", 10_000),
            ("十万", 100_000),
            ("一千二百三十四万", 12_340_000),
            ("二〇〇八", 2008),
            ("三四", 3),
            ("三四十", 30),
            ("十二三", 12),
            ("两三百", 200),
            ("叁佰", 300),
            ("一万亿", 1_000_000_000_000),
            ("零", 0),
        ] {
            assert_eq!(parse_chinese(text), Some(value), "{text}");
        }
        for text in ["", "人", "一五十", "十人", "亿亿亿亿亿"] {
            assert_eq!(parse_chinese(text), None, "{text}");
        }
    }

    #[test]
    fn the_short_cut_knows_every_numeral() {
        for c in '\u{0}'..='\u{ffff}' {
            assert_eq!(counts(c), digit(c).is_some() || unit(c).is_some(), "{c}");
            assert_eq!(counts(c), NUMERALS.contains(&c), "{c}");
        }
    }

    #[test]
    fn numerals_as_they_are_spoken() {
        for (value, text) in [
            (0, "零"),
            (10, "十"),
            (12, "十二"),
            (110, "一百一十"),
            (1005, "一千零五"),
            (10_030, "一万零三十"),
            (100_000_000, "一亿"),
            (100_010_000, "一亿零一万"),
            (10_000_001, "一千万零一"),
        ] {
            assert_eq!(chinese_numeral(value), text);
        }
    }

    proptest! {
        #[test]
        fn parse_undoes_print(n in prop_oneof![0u64..=100_000_000, 0u64..100_000, 0u64..1_000_000_000_000]) {
            prop_assert_eq!(parse_chinese(&chinese_numeral(n)), Some(n));
        }

        #[test]
        fn no_text_panics(text in "[零〇一二两三四五六七八九十百千万亿]{0,40}") {
            let _ = parse_chinese(&text);
        }
    }
}
