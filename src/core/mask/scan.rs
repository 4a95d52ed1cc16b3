//! The fast answer: is there anything in this text that the slow path should look at?
//!
//! Invariant: says "clean" only when the slow path would find nothing. It may say "not clean" for nothing.
//!
//! Plain loops over fixed-size windows, which the compiler turns into vector instructions: a digit, an at sign or a
//! character that normalises to one is recognised by three neighbouring bytes, without a branch. Most blocks need not even that:
//! see [`super::glance`].

use super::glance::glance;
use super::group::gap_of;
use super::script::{SPELLED, digit_value, is_invisible, spelled_value};

/// Bytes looked at together.
pub(super) const BLOCK: usize = 64;
/// A character to recognise has up to three bytes that matter.
pub(super) const WINDOW: usize = BLOCK + 2;
/// Fewer digits than this within two neighbouring blocks are never masked.
const FEWEST_DIGITS: u8 = 7;

/// What in a text the slow path should look at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reasons {
    /// At signs, spelled out or not, and pages: mail addresses and handles.
    pub(super) signs: bool,
    /// Digits close together, in another script or spelled out: telephone and identity numbers.
    pub(super) digits: bool,
}

impl Reasons {
    /// Nothing at all.
    pub(super) fn is_clean(self) -> bool {
        !self.signs && !self.digits
    }
}

/// Why `text` may hold a telephone number, an identity number, a mail address or a handle.
pub(super) fn reasons(text: &str) -> Reasons {
    let bytes = text.as_bytes();
    if is_plain_name(bytes) {
        return Reasons::default();
    }
    if bytes.is_ascii() {
        // Nothing is spelled out here.
        return figures::<true>(bytes).0;
    }
    let (mut reasons, figures) = figures::<false>(bytes);
    let stride = if figures == 0 { WIDE_STRIDE } else { STRIDE };
    reasons.digits = reasons.digits || run_at(text, 0, stride).is_some();
    reasons
}

/// Longest name that is looked at byte by byte.
const LONGEST_NAME: usize = 32;

/// Whether `bytes` are a short name such as identifiers are, of letters, signs that mean nothing here and too few digits.
fn is_plain_name(bytes: &[u8]) -> bool {
    let mut digits = 0;
    let plain = |byte: &u8| {
        digits += u8::from(byte.is_ascii_digit());
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':')
    };
    bytes.len() <= LONGEST_NAME && bytes.iter().all(plain) && digits < FEWEST_DIGITS
}

/// The reasons but for spelled-out digits, and how many figures there are unless they are a reason.
fn figures<const ASCII: bool>(bytes: &[u8]) -> (Reasons, usize) {
    let mut reasons = Reasons::default();
    let mut all = 0;
    let mut previous = 0_u8;
    let mut at = 0;
    while at < bytes.len() && !(reasons.signs && reasons.digits) {
        let (digits, other) = match bytes.get(at..at + WINDOW) {
            Some(window) => look::<ASCII>(window),
            None => tail::<ASCII>(&bytes[at..]),
        };
        reasons.signs |= other & SIGN != 0;
        reasons.digits |= other & FOREIGN != 0 || previous + digits >= FEWEST_DIGITS;
        all += usize::from(digits);
        previous = digits;
        at += BLOCK;
    }
    (reasons, all)
}

/// What [`block`] says beside the digits: an at sign or page.
const SIGN: u8 = 1;
/// A character that may be a digit of another script.
const FOREIGN: u8 = 2;

/// Digits among the first [`BLOCK`] bytes, and whether anything else asks for the slow path.
#[inline]
fn look<const ASCII: bool>(window: &[u8]) -> (u8, u8) {
    match glance::<ASCII>(window) {
        Some(digits) => (digits, 0),
        None => block(window),
    }
}

/// Bytes from one look at a text for spelled-out digits to the next: at most six figures are in a run that the blocks call
/// clean, so that four spelled-out digits or more are, of three bytes each. Odd, so that gaps do not hide it.
const STRIDE: usize = 17;
/// The same where there are no figures: nine of ten digits have as many bytes.
const WIDE_STRIDE: usize = 27;
/// Fewest digits of a number that is spelled out.
const FEWEST_SPELLED: usize = 10;

/// Start of the first run of ten or more digits of which some are spelled out in Chinese, at or after byte `from`.
pub(super) fn spelled_run(text: &str, from: usize) -> Option<usize> {
    run_at(text, from, STRIDE)
}

/// The same, looking at every so many bytes.
fn run_at(text: &str, from: usize, stride: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        if let Some(near) = sample(bytes, at)
            && let Some(start) = run_around(text, from, near)
        {
            return Some(start);
        }
        at += stride;
    }
    None
}

/// A byte at or just behind `at` that may be of a digit in a run.
#[inline]
fn sample(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes[at] {
        0x80.. => may_be_spelled(bytes, at).then_some(at),
        b'0'..=b'9' => Some(at),
        b' ' | b'-' | b'.' | b'(' | b')' | b'~' => {
            let near =
                (at + 1..at + 4).find(|near| bytes.get(*near).is_some_and(|byte| *byte >= 0x80))?;
            may_be_spelled(bytes, near).then_some(near)
        }
        _ => None,
    }
}

/// Whether the character of three bytes around `at` can be a spelled-out digit, by its bytes alone: one in ten of all
/// Chinese characters can.
#[inline]
fn may_be_spelled(bytes: &[u8], at: usize) -> bool {
    let around = at.checked_sub(2).and_then(|start| bytes.get(start..at + 3));
    let Some(five) = around else {
        return true;
    };
    let set = |bits: u64, byte: u8| (bits >> (byte & 0x3F)) as u8 & 1;
    let starts = |at: usize| {
        let [first, second, third] = [five[at], five[at + 1], five[at + 2]];
        within(first, 0xE2, 8) & set(SECOND_BYTES, second) & set(THIRD_BYTES, third)
    };
    starts(0) | starts(1) | starts(2) != 0
}

/// Low six bits of the second and of the third bytes of the spelled-out digits.
const SECOND_BYTES: u64 = low_bits(1);
const THIRD_BYTES: u64 = low_bits(2);

const fn low_bits(index: usize) -> u64 {
    let bytes = SPELLED.as_bytes();
    let mut bits = 0;
    let mut at = index;
    while at < bytes.len() {
        bits |= 1 << (bytes[at] & 0x3F);
        at += 3;
    }
    bits
}

/// Start of the run of digits that the character at byte `at` is in, if that is long enough and some are spelled out.
fn run_around(text: &str, from: usize, at: usize) -> Option<usize> {
    let mut boundary = at;
    while !text.is_char_boundary(boundary) {
        boundary -= 1;
    }
    if !text[boundary..].starts_with(|c: char| c.is_ascii_digit() || spelled_value(c).is_some()) {
        return None;
    }
    let is_digit = |c: char| spelled_value(c).or_else(|| digit_value(c)).is_some();
    let in_run = |c: &char| is_digit(*c) || gap_of(*c).is_some() || is_invisible(*c);
    let mut digits = 0;
    let mut spelled = false;
    let mut first = None;
    let before = text
        .get(from..boundary)?
        .char_indices()
        .rev()
        .take(4 * FEWEST_SPELLED);
    let after = text[boundary..].char_indices().take(4 * FEWEST_SPELLED);
    for (_, c) in after.take_while(|(_, c)| in_run(c)) {
        digits += usize::from(is_digit(c));
        spelled |= spelled_value(c).is_some();
    }
    for (offset, c) in before.take_while(|(_, c)| in_run(c)) {
        if is_digit(c) {
            digits += 1;
            first = Some(from + offset);
        }
        spelled |= spelled_value(c).is_some();
    }
    (spelled && digits >= FEWEST_SPELLED).then(|| first.unwrap_or(boundary))
}

/// Bytes at the start of `bytes`, in whole blocks, in which no digit starts.
pub(super) fn without_digits(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(window) = bytes.get(at..at + WINDOW) {
        let (digits, other) = look::<false>(window);
        if digits != 0 || other != 0 {
            break;
        }
        at += BLOCK;
    }
    at
}

/// Offset of the next byte at which a sign that is spelled out may begin.
pub(super) fn next_word_sign(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        if let Some(window) = bytes.get(at..at + WINDOW) {
            let (first, second, third) = (&window[..BLOCK], &window[1..=BLOCK], &window[2..]);
            let mut found = 0;
            for index in 0..BLOCK {
                found |= word_sign(first[index], second[index], third[index]);
            }
            if found == 0 {
                at += BLOCK;
                continue;
            }
        }
        let end = bytes.len().min(at + BLOCK);
        for index in at..end {
            let next = |n: usize| bytes.get(index + n).copied().unwrap_or(0);
            if word_sign(bytes[index], next(1), next(2)) != 0 {
                let wide = bytes[index] >= 0x80;
                return Some(if wide { index.saturating_sub(2) } else { index });
            }
        }
        at = end;
    }
    None
}

/// The same, looking at everything.
fn block(window: &[u8]) -> (u8, u8) {
    let (first, second, third) = (&window[..BLOCK], &window[1..=BLOCK], &window[2..WINDOW]);
    let (mut digits, mut other, mut rare) = (0_u8, 0_u8, 0_u8);
    for index in 0..BLOCK {
        let (d, o, r) = classify_common(first[index], second[index], third[index]);
        digits += d;
        other |= o;
        rare |= r;
    }
    if rare == 0 {
        (digits, other)
    } else {
        rare_block(window)
    }
}

/// The same where something rare is among them.
fn rare_block(window: &[u8]) -> (u8, u8) {
    let (first, second, third) = (&window[..BLOCK], &window[1..=BLOCK], &window[2..WINDOW]);
    let mut digits = 0_u8;
    let mut other = 0_u8;
    for index in 0..BLOCK {
        let (d, o) = classify(first[index], second[index], third[index]);
        digits += d;
        other |= o;
    }
    (digits, other)
}

/// The same for the end of the text, which is shorter than a window.
fn tail<const ASCII: bool>(rest: &[u8]) -> (u8, u8) {
    if rest.len() < 8 {
        let mut digits = 0_u8;
        let mut other = 0_u8;
        for (index, byte) in rest.iter().enumerate() {
            let second = rest.get(index + 1).copied().unwrap_or(0);
            let third = rest.get(index + 2).copied().unwrap_or(0);
            let (d, o) = classify(*byte, second, third);
            digits += d;
            other |= o;
        }
        return (digits, other);
    }
    let mut window = [0_u8; WINDOW];
    let length = rest.len().min(WINDOW);
    window[..length].copy_from_slice(&rest[..length]);
    look::<ASCII>(&window)
}

/// (1 if a digit starts at `a`, [`SIGN`] and [`FOREIGN`] if something else that matters does).
#[inline]
pub(super) fn classify(a: u8, b: u8, c: u8) -> (u8, u8) {
    let full_width = is(a, 0xEF) & is(b, 0xBC);
    // Raised digits, and those in circles and brackets.
    let raised = is(a, 0xC2) & (within(b, 0xB2, 2) | is(b, 0xB9));
    let circled = is(a, 0xE2) & (within(b, 0x81, 2) | within(b, 0x91, 3) | within(b, 0x9D, 2));
    let digit = within(a, b'0', 10) | (full_width & within(c, 0x90, 10)) | raised | circled;
    let at = is(a, b'@') | (full_width & is(c, 0xA0)) | small_at(a, b, c);
    // `.me/`, `.com/`, `.cn/`, `.ru/` before a page; `(at)`, `【at】`, `#qq.` before a domain.
    let end = a | 0x20;
    let page = is(b, b'/') & (is(end, b'e') | within(end, b'm', 2) | is(end, b'u'));
    // Digits of other scripts live behind D9 to DF, E0, E1, EA below Hangul, and F0 below emoji or in one block of them: all
    // rare enough in what is read here for the slow path.
    let far = is(a, 0xF0) & (within(b, 0x90, 0x0F) | (is(b, 0x9F) & (is(c, 0x84) | is(c, 0xAF))));
    let foreign =
        is(a & 0xF9, 0xD9) | is(a & 0xFE, 0xE0) | (is(a, 0xEA) & within(b, 0x80, 0x30)) | far;
    let sign = at | page | word_sign(a, b, c);
    (digit, (sign * SIGN) | (foreign * FOREIGN))
}

/// Non-zero if a sign that is spelled out ends or starts at `a`: the last bytes of `（` and `【` count as brackets.
#[inline]
fn word_sign(a: u8, b: u8, c: u8) -> u8 {
    let opener = is(a, b'(') | is(a & 0xDF, b'[') | is(a, b'<') | is(a, 0x88) | is(a, 0x90);
    let six = is(b, b'1') & is(c, b'6');
    let qq = is(b | 0x20, b'q') & is(c | 0x20, b'q');
    (opener & is(b | 0x20, b'a')) | (is(a, b'#') & (six | qq))
}

/// The same for what is common, and non-zero in the third place where [`classify`] has to look.
#[inline]
fn classify_common(a: u8, b: u8, c: u8) -> (u8, u8, u8) {
    let full_width = is(a, 0xEF) & is(b, 0xBC);
    let digit = within(a, b'0', 10) | (full_width & within(c, 0x90, 10));
    let at = is(a, b'@') | (full_width & is(c, 0xA0)) | small_at(a, b, c);
    let slash = is(b, b'/') & within(a | 0x20, b'e', 0x11);
    let word = is(b | 0x20, b'a') & (1 ^ within(a | 0x20, b'a', 26)) & (1 ^ is(a, b' '));
    let hash = is(a, b'#') & (is(b, b'1') | is(c | 0x20, b'q'));
    // E2 80 begins dashes and quotation marks.
    let leads = within(a, 0xD8, 10) | (is(a, 0xE2) & (1 ^ is(b, 0x80)));
    let far = is(a, 0xC2) | is(a, 0xEA) | is(a, 0xF0);
    (digit, at, slash | word | hash | leads | far)
}

#[inline]
pub(super) fn within(x: u8, from: u8, count: u8) -> u8 {
    u8::from(x.wrapping_sub(from) < count)
}

#[inline]
pub(super) fn is(x: u8, y: u8) -> u8 {
    u8::from(x == y)
}

#[inline]
fn small_at(a: u8, b: u8, c: u8) -> u8 {
    u8::from(a == 0xEF) & u8::from(b == 0xB9) & u8::from(c == 0xAB)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_clean(text: &str) -> bool {
        reasons(text).is_clean()
    }

    #[test]
    fn plain_names_have_nothing_to_look_at() {
        for name in ["", "r-1", "8f14e45f:1_x", "123456", "deadbeef-0001-aaaa"] {
            assert!(is_plain_name(name.as_bytes()), "{name}");
        }
        for name in ["1234567", "a@b", "x.me/a", "(at)", "火", &"a".repeat(33)] {
            assert!(!is_plain_name(name.as_bytes()), "{name}");
        }
        let ascii = || 0..0x80_u8;
        let names =
            ascii().flat_map(|a| ascii().flat_map(move |b| ascii().map(move |c| [a, b, c])));
        for name in names.filter(|name| is_plain_name(name)) {
            assert_eq!(classify(name[0], name[1], name[2]).1, 0, "{name:?}");
        }
    }

    #[test]
    fn digits_far_apart_are_clean_and_together_are_not() {
        let apart = format!("2016 {} 110 {} 12", "字".repeat(60), "word ".repeat(40));
        assert!(is_clean(&apart));
        assert!(!is_clean("13800138000"));
    }

    #[test]
    fn spelled_numbers_are_seen_wherever_they_stand() {
        for shift in 0..80 {
            for needle in [
                "一三八零零一三八零零零",
                "1三8零0一3八0零0",
                "一 三 八 零 零 一 三 八 零 零 零",
                "一 - 三 - 八 - 零 - 零 - 一 - 三 - 八 - 零 - 零 - 零",
            ] {
                let text = format!("{}{needle}{}", "a".repeat(shift), "字".repeat(shift % 7));
                assert!(!is_clean(&text), "{needle} at {shift}");
            }
        }
    }

    #[test]
    fn every_offset_of_a_number_or_sign_is_seen() {
        for shift in 0..200 {
            for needle in [
                "555-0123",
                "１３８０ ０１３８ ０００",
                "@a",
                "＠a",
                "﹫a",
                "a{at}b.org",
                "a（at）b.org",
                "1#qq.com",
                "x.me/a",
                "ok.ru/a",
            ] {
                let text = format!("{}{needle}{}", "a".repeat(shift), "b".repeat(shift % 70));
                assert!(!is_clean(&text), "{needle} at {shift}");
            }
        }
    }
}
