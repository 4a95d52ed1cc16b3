//! The fast answer: is there anything in this text that the slow path should look at?
//!
//! Invariant: says "clean" only when the slow path would find nothing. It may say "not clean" for nothing.
//!
//! Plain loops over fixed-size windows, which the compiler turns into vector instructions: a digit, an at sign or a
//! character that normalises to one is recognised by three neighbouring bytes, without a branch.

/// Bytes looked at together.
pub(super) const BLOCK: usize = 64;
/// A character to recognise has up to three bytes that matter.
const WINDOW: usize = BLOCK + 2;
/// Fewer digits than this within two neighbouring blocks are never masked.
const FEWEST_DIGITS: u8 = 7;

/// Whether nothing in `bytes` (UTF-8) can be a telephone number, an identity number, a mail address or a handle.
pub(super) fn is_clean(bytes: &[u8]) -> bool {
    let mut previous = 0_u8;
    let mut at = 0;
    while at < bytes.len() {
        let (digits, other) = match bytes.get(at..at + WINDOW) {
            Some(window) => block(window),
            None => tail(&bytes[at..]),
        };
        if other != 0 || previous + digits >= FEWEST_DIGITS {
            return false;
        }
        previous = digits;
        at += BLOCK;
    }
    true
}

/// Bytes at the start of `bytes`, in whole blocks, in which no digit starts.
pub(super) fn without_digits(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(window) = bytes.get(at..at + WINDOW) {
        let (digits, other) = block(window);
        if digits != 0 || other != 0 {
            break;
        }
        at += BLOCK;
    }
    at
}

/// Digits among the first [`BLOCK`] bytes, and whether anything else asks for the slow path.
#[inline]
fn block(window: &[u8]) -> (u8, u8) {
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
fn tail(rest: &[u8]) -> (u8, u8) {
    if rest.len() < 24 {
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
    block(&window)
}

/// (1 if a digit starts at `a`, non-zero if something else that matters does).
#[inline]
fn classify(a: u8, b: u8, c: u8) -> (u8, u8) {
    let ascii = u8::from(a.wrapping_sub(b'0') < 10);
    let full_width = u8::from(a == 0xEF) & u8::from(b == 0xBC);
    let digit = full_width & u8::from(c.wrapping_sub(0x90) < 10);
    let at = u8::from(a == b'@') | (full_width & u8::from(c == 0xA0)) | small_at(a, b, c);
    // Arabic-Indic digits live behind D9 and DB, mathematical digits behind F0 9D: rare enough for the slow path.
    let foreign = u8::from(a & 0xFD == 0xD9) | (u8::from(a == 0xF0) & u8::from(b == 0x9D));
    (ascii | digit, at | foreign)
}

#[inline]
fn small_at(a: u8, b: u8, c: u8) -> u8 {
    u8::from(a == 0xEF) & u8::from(b == 0xB9) & u8::from(c == 0xAB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_far_apart_are_clean_and_together_are_not() {
        let apart = format!("2016 {} 110 {} 12", "字".repeat(60), "word ".repeat(40));
        assert!(is_clean(apart.as_bytes()));
        assert!(!is_clean("13800138000".as_bytes()));
    }

    #[test]
    fn every_offset_of_a_number_or_sign_is_seen() {
        for shift in 0..200 {
            for needle in ["555-0123", "１３８０ ０１３８ ０００", "@a", "＠a", "﹫a"]
            {
                let text = format!("{}{needle}{}", "a".repeat(shift), "b".repeat(shift % 70));
                assert!(!is_clean(text.as_bytes()), "{needle} at {shift}");
            }
        }
    }
}
