//! The cheapest look at a block of text: whether [`super::scan`] has to look at it more closely.
//!
//! Invariant: a block that passes has none of the signs that lead to the slow path, and exactly as many digits as are counted.
//! What does not pass may still be clean: here only a byte and the one behind it are asked, in a handful of vector instructions
//! for sixteen bytes, and a mark that is rare in text stands for all that begins with it.

use super::scan::{BLOCK, WINDOW, is, within};

/// Digits among the first [`BLOCK`] bytes of a window, if nothing else there matters; `ASCII`: no byte of the text is above 0x7F.
#[inline]
pub(super) fn glance<const ASCII: bool>(window: &[u8]) -> Option<u8> {
    let (first, second) = (&window[..BLOCK], &window[1..=BLOCK]);
    let (mut digits, mut tells, mut wide) = (0_u8, 0_u8, 0_u8);
    for index in 0..BLOCK {
        let (a, b) = (first[index], second[index]);
        digits += within(a, b'0', 10);
        tells |= sign(a, b);
        if !ASCII {
            tells |= lead(a, b);
            wide |= is(a, 0xEF);
        }
    }
    (tells == 0 && (wide == 0 || !has_full_width(window))).then_some(digits)
}

/// Non-zero where an at sign, a number sign, a page or a sign that is spelled out may be.
#[inline]
fn sign(a: u8, b: u8) -> u8 {
    // `(at)`: an `a` behind what is neither letter nor space.
    let letter = within(a | 0x20, b'a', 26) | is(a, b' ');
    let word = is(b | 0x20, b'a') & (1 ^ letter);
    is(a, b'@') | is(a, b'#') | is(b, b'/') | word
}

/// Non-zero where a character begins that may be a digit, but for those of [`has_full_width`]: raised, in circles, in another
/// script. E2 80 begins dashes and quotation marks.
#[inline]
fn lead(a: u8, b: u8) -> u8 {
    let circled = is(a, 0xE2) & (1 ^ is(b, 0x80));
    let foreign = within(a, 0xD9, 9) | is(a, 0xEA) | within(a, 0xF0, 16);
    is(a, 0xC2) | circled | foreign
}

/// Whether a full-width digit or at sign, or a small one, begins in the block: EF also begins most Chinese punctuation.
fn has_full_width(window: &[u8]) -> bool {
    let (first, second, third) = (&window[..BLOCK], &window[1..=BLOCK], &window[2..WINDOW]);
    let mut found = 0_u8;
    for index in 0..BLOCK {
        let c = third[index];
        let full = is(second[index], 0xBC) & (within(c, 0x90, 10) | is(c, 0xA0));
        found |= is(first[index], 0xEF) & (full | is(second[index], 0xB9));
    }
    found != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::mask::scan::classify;
    use proptest::prelude::*;

    fn window(bytes: &[u8]) -> [u8; WINDOW] {
        let mut window = [b'x'; WINDOW];
        let length = bytes.len().min(WINDOW);
        window[..length].copy_from_slice(&bytes[..length]);
        window
    }

    /// What the close look says: digits, and whether there is anything else.
    fn closely(window: &[u8; WINDOW]) -> (u8, bool) {
        let all = (0..BLOCK).map(|at| classify(window[at], window[at + 1], window[at + 2]));
        all.fold((0, false), |(digits, any), (digit, other)| {
            (digits + digit, any || other != 0)
        })
    }

    #[test]
    fn every_character_that_matters_is_seen() {
        let mut buffer = [0; 4];
        for c in (0x80..=0x1_FFFF_u32).filter_map(char::from_u32) {
            let text = c.encode_utf8(&mut buffer);
            let window = window(text.as_bytes());
            if let Some(digits) = glance::<false>(&window) {
                assert_eq!((digits, false), closely(&window), "U+{:04X}", c as u32);
            }
        }
    }

    #[test]
    fn ordinary_text_passes() {
        for text in [
            "A fire broke out at noon on 5th street, and three people were hurt.",
            "今日凌晨，某小区发生火灾：3人受伤？“暂无人员死亡”——消防部门通报。",
        ] {
            let window = window(text.as_bytes());
            assert_eq!(glance::<false>(&window), Some(closely(&window).0), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_has_nothing_else(bytes in proptest::collection::vec(any::<u8>(), WINDOW)) {
            let window = window(&bytes);
            if let Some(digits) = glance::<false>(&window) {
                prop_assert_eq!((digits, false), closely(&window));
            }
        }

        #[test]
        fn text_that_passes_has_nothing_else(text in "[ -~一二火灾，：？９＠﹫①²’٣é🔥（【at#/]{30}") {
            let window = window(text.as_bytes());
            if let Some(digits) = glance::<false>(&window) {
                prop_assert_eq!((digits, false), closely(&window));
            }
            if window.is_ascii() {
                prop_assert_eq!(glance::<true>(&window), glance::<false>(&window));
            }
        }
    }
}
