//! Text to template: every number becomes one mark, and its value goes to a list.
//!
//! Invariant: the template has the words of the text in their order; a [`NUMBER`] stands for exactly one value. Years, dates,
//! times, ordinals, sums of money and identifiers become [`OTHER`], which no pattern takes for a count.

use super::chinese::{MAX_NUMERAL_CHARS, counts, parse_chinese, unit};
use super::english::{may_begin, number_words, scale_after};

/// Stands for a number that may count something.
pub(super) const NUMBER: char = '#';

/// Stands for a number that counts nothing.
pub(super) const OTHER: char = '¤';

/// Bytes to go on by, for a character that no number begins with.
const SKIP: u8 = 0x80;
const DIGIT: u8 = 1;
/// First letter of some English number.
const LETTER: u8 = 2;
/// First byte of a character that may be a Chinese digit or unit.
const WIDE: u8 = 3;
/// First byte of [`NUMBER`] or [`OTHER`].
const MARK: u8 = 4;

/// What to do at a character, by its first byte.
static KINDS: [u8; 256] = {
    let mut kinds = [SKIP | 1; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'0'..=b'9' => DIGIT,
            b'a' | b'b' | b'd' | b'e' | b'f' | b'h' | b'm' | b'n' | b'o' | b's' | b't' | b'z' => {
                LETTER
            }
            b'#' | 0xC2 => MARK,
            0xC0..=0xDF => SKIP | 2,
            0xE3..=0xE9 => WIDE,
            0xE0..=0xEF => SKIP | 3,
            0xF0..=0xFF => SKIP | 4,
            _ => SKIP | 1,
        };
        byte += 1;
    }
    kinds
};

/// A text with its numbers taken out.
#[derive(Debug, Default)]
pub(super) struct Template {
    pub text: String,
    /// Byte position of every [`NUMBER`], ascending, with its value.
    values: Vec<(usize, f64)>,
}

impl Template {
    /// The value of the number at byte `at` of the template.
    pub(super) fn value(&self, at: usize) -> Option<f64> {
        let found = self.values.binary_search_by_key(&at, |value| value.0);
        found.ok().map(|index| self.values[index].1)
    }

    /// Whether it has a [`NUMBER`] at all.
    pub(super) fn has_numbers(&self) -> bool {
        !self.values.is_empty()
    }

    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut template = Self::default();
        template.text.reserve(text.len());
        // What is behind `copied` waits to be copied in one go; `counted` is the end of the number before.
        let (mut at, mut copied, mut counted) = (0, 0, usize::MAX);
        while let Some(&byte) = bytes.get(at) {
            let kind = KINDS[usize::from(byte)];
            if kind & SKIP != 0 {
                at += usize::from(kind & !SKIP);
                continue;
            }
            let before = || match text[..at].chars().next_back() {
                _ if at == counted => '0',
                before => before.unwrap_or(' '),
            };
            let Some(c) = text[at..].chars().next() else {
                break;
            };
            let token = match kind {
                DIGIT => digits(text, at, before()),
                LETTER if may_begin(&bytes[at..]) && !before().is_alphanumeric() => words(text, at),
                WIDE if counts(c) => numeral(text, at),
                _ => None,
            };
            if token.is_none() && kind != MARK {
                at += c.len_utf8();
                continue;
            }
            template.text.push_str(&text[copied..at]);
            match token {
                Some((value, length)) => {
                    template.push(value);
                    at += length;
                    counted = at;
                }
                None => {
                    template
                        .text
                        .push(if c == NUMBER || c == OTHER { ' ' } else { c });
                    at += c.len_utf8();
                }
            }
            copied = at;
        }
        template.text.push_str(&text[copied..]);
        template
    }

    fn push(&mut self, value: Option<f64>) {
        match value {
            Some(value) => {
                self.values.push((self.text.len(), value));
                self.text.push(NUMBER);
            }
            None => self.text.push(OTHER),
        }
    }
}

/// A number and its length in bytes; no value: it counts nothing.
type Token = (Option<f64>, usize);

/// `12`, `1,234`, `5.6`, `1.2万`, `3-5`, `5 million`; dates, times and the like are [`OTHER`].
fn digits(text: &str, start: usize, before: char) -> Option<Token> {
    let (value, mut end, plain) = decimal(text, start)?;
    let mut value = value;
    let rest = &text[end..];
    // 12:30, 4/20, 2013-04-20, 1.2.3: not a count.
    let dotted =
        rest.starts_with([':', '/', '.']) && rest[1..].starts_with(|c: char| c.is_ascii_digit());
    let after_mark = matches!(before, '/' | ':' | '$' | '£' | '€' | '¥' | '第');
    let in_word = before.is_ascii_alphabetic() && !magnitude_before(&text[..start]);
    let date = month_before(&text[..start]) && !counts_people(rest);
    let ordinal = ["st", "nd", "rd", "th"]
        .iter()
        .any(|end| rest.starts_with(end));
    if dotted || after_mark || in_word || date || ordinal {
        let length =
            rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '/' | '.' | '-')));
        return Some((None, end - start + length.unwrap_or(rest.len())));
    }
    let (factor, length) = multiplier(rest);
    value *= factor;
    end += length;
    if let Some((upper, length)) = range(&text[end..]) {
        let Some(upper) = upper else {
            return Some((None, end - start + length));
        };
        let (upper_factor, more) = multiplier(&text[end + length..]);
        end += length + more;
        // 3-5万: the unit is of both.
        value *= if factor < 1.0 + f64::EPSILON {
            upper_factor
        } else {
            1.0
        };
        if up_to(&text[..start]) {
            value = upper * upper_factor;
        }
        return Some((Some(value), end - start));
    }
    let year = plain && (1900.0..2100.0).contains(&value) && end - start == 4;
    if year && !counts_people(&text[end..]) {
        return Some((None, end - start));
    }
    Some((Some(value), end - start))
}

/// Digits with thousands separators and one decimal point: value, end, and whether they were digits alone.
fn decimal(text: &str, start: usize) -> Option<(f64, usize, bool)> {
    let bytes = text.as_bytes();
    let run = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let mut end = start + run(start);
    let mut plain = true;
    while end - start <= 15 && bytes.get(end) == Some(&b',') && run(end + 1) == 3 {
        end += 4;
        plain = false;
    }
    if bytes.get(end) == Some(&b'.') && run(end + 1) > 0 {
        end += 1 + run(end + 1);
        plain = false;
    }
    let digits: String = text[start..end].chars().filter(|c| *c != ',').collect();
    Some((digits.parse().ok()?, end, plain))
}

/// Factor of the unit after digits: 1.2万, 3百, 5 million. Not the 千 of 千米, 千克, 千瓦, 千伏.
fn multiplier(rest: &str) -> (f64, usize) {
    let mut factor = 1.0;
    let mut length = 0;
    let mut chars = rest.chars().peekable();
    // 20余万, 20多万: twenty ten thousands and some.
    if let Some(more @ ('余' | '多')) = chars.peek().copied()
        && rest[more.len_utf8()..].starts_with(['万', '亿'])
    {
        length += more.len_utf8();
        chars.next();
    }
    while let Some(c) = chars.next() {
        let Some(unit) = unit(c).filter(|unit| *unit > 10) else {
            break;
        };
        if c == '千' && matches!(chars.peek(), Some('米' | '克' | '瓦' | '伏')) {
            break;
        }
        factor *= unit as f64;
        length += c.len_utf8();
        if length > 9 {
            break;
        }
    }
    if length > 0 {
        return (factor, length);
    }
    scale_after(rest).unwrap_or((1.0, 0))
}

/// `-5`, `~5`, `至5`, `到5`, ` to 5` after a number: the upper bound and its length; no value for `-04-20`.
fn range(rest: &str) -> Option<(Option<f64>, usize)> {
    let joint = ["-", "~", "–", "—", "至", "到", " to ", "、"]
        .into_iter()
        .find(|joint| rest.starts_with(joint))?;
    let (upper, end, _) = rest[joint.len()..]
        .starts_with(|c: char| c.is_ascii_digit())
        .then(|| decimal(rest, joint.len()))??;
    let after = &rest[end..];
    if joint == "-"
        && after.starts_with('-')
        && after[1..].starts_with(|c: char| c.is_ascii_digit())
    {
        let length = after.find(|c: char| !(c.is_ascii_digit() || c == '-'));
        return Some((None, end + length.unwrap_or(after.len())));
    }
    // 3、4人 is “three or four”; 3、15人 are two numbers.
    if joint == "、" && (upper > 9.0 || !after.starts_with(['人', '名', '个', '位'])) {
        return None;
    }
    Some((Some(upper), end))
}

fn up_to(before: &str) -> bool {
    ["up to ", "as many as ", "from ", "最多", "多达", "可达"]
        .iter()
        .any(|word| before.ends_with(word))
}

/// `m5.6`, `ml 3.2`: the only letters that stand right before a number that counts.
fn magnitude_before(before: &str) -> bool {
    let letters = before
        .trim_end_matches(|c: char| c.is_ascii_lowercase())
        .len();
    matches!(&before[letters..], "m" | "ms" | "ml" | "mw" | "mb" | "md")
}

/// `october 8`: a day.
fn month_before(before: &str) -> bool {
    const MONTHS: [&str; 23] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "oct",
        "nov",
        "dec",
    ];
    let before = before.trim_end_matches(['.', ' ']);
    let word = before
        .trim_end_matches(|c: char| c.is_ascii_lowercase())
        .len();
    MONTHS.contains(&&before[word..])
}

/// Whether the words after a number say that people are counted; 1900 to 2099 are years otherwise.
fn counts_people(rest: &str) -> bool {
    let rest = rest.trim_start();
    [
        "people",
        "persons",
        "residents",
        "others",
        "dead",
        "homes",
        "acres",
        "hectares",
        "人",
        "名",
        "余人",
        "多人",
        "户",
        "公顷",
        "亩",
    ]
    .iter()
    .any(|word| rest.starts_with(word))
}

/// English number words.
fn words(text: &str, start: usize) -> Option<Token> {
    let (value, length) = number_words(&text[start..])?;
    let rest = &text[start + length..];
    let alone = &text[start..start + length] == "one";
    let pronoun = alone
        && (["no ", "any", "every", "any ", "every "]
            .iter()
            .any(|w| text[..start].ends_with(w))
            || rest.starts_with(" of "));
    // “two to three people”, “two or three people”: the lower bound.
    let joint = [" to ", " or "]
        .into_iter()
        .find(|joint| rest.starts_with(joint));
    if let Some((joint, (upper, more))) =
        joint.and_then(|j| Some((j, number_words(&rest[j.len()..])?)))
    {
        let value = if up_to(&text[..start]) { upper } else { value };
        return Some((Some(value), length + joint.len() + more));
    }
    Some((Some(value).filter(|_| !pronoun), length))
}

/// Chinese numerals; 数, 上 and 几 before a unit are “several”: 数十 is 20, 上百 is 100.
fn numeral(text: &str, start: usize) -> Option<Token> {
    let mut end = start;
    for (count, c) in text[start..].chars().enumerate() {
        let counts = counts(c);
        let next = text[end + c.len_utf8()..].chars().next();
        let metric = c == '千' && matches!(next, Some('米' | '克' | '瓦' | '伏'));
        if !counts || metric || count >= MAX_NUMERAL_CHARS {
            break;
        }
        end += c.len_utf8();
    }
    if end == start {
        return None;
    }
    let rest = &text[end..];
    let before = text[..start].chars().next_back();
    let value = parse_chinese(&text[start..end]).map(|value| value as f64);
    let several =
        matches!(before, Some('数' | '几')) && text[start..].starts_with(['十', '百', '千', '万']);
    let value = value.map(|value| if several { value * 2.0 } else { value });
    // 第三, 二〇〇八年, 五月, 三分之一: no count.
    let other =
        before == Some('第') || rest.starts_with("分之") || rest.starts_with(['年', '月', '日']);
    Some((value.filter(|_| !other), end - start))
}

#[cfg(test)]
mod tests;
