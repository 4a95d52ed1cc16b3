//! The first filter of the index: the positions of a text at which some pattern may begin.
//!
//! The first symbols of a pattern, its *head*, are four where the first is a letter of an alphabet and three where it is not, since
//! a Chinese character says as much as a few letters. A bit, chosen by the head's hash, says whether any pattern has it. Patterns
//! that are shorter than their head have a bit set of their own, by their first two symbols.
//!
//! Invariant: a position at which a pattern begins is never left out. The bit set grows with the number of patterns, so that
//! few positions pass by chance, and not beyond what the second cache holds.

use super::index::{Candidate, pair_hash};

/// Symbols from here on belong to scripts whose heads are three symbols long.
const WIDE_FROM: u16 = 0x2E80;
/// What of four symbols makes the head, by script.
const LETTERS: u64 = u64::MAX;
const WIDE: u64 = u64::MAX >> 16;
/// Bits of the first filter for each pattern.
const BITS_EACH: usize = 16;
/// Smallest and largest number of bits: 16 and 256 KiB.
const BITS: (usize, usize) = (1 << 17, 1 << 21);
/// Bits of the filter of short patterns: 8 KiB.
const SHORT_BITS: u32 = 16;
/// Positions looked at in one go.
const BLOCK: usize = 64;

/// The filter.
#[derive(Debug, Default)]
pub(super) struct Heads {
    words: Box<[u64]>,
    /// Empty when no pattern is shorter than its head.
    short: Box<[u64]>,
}

/// Four symbols as a number, the first one lowest.
#[inline]
fn quad(symbols: [u16; 4]) -> u64 {
    let [a, b, c, d] = symbols;
    u64::from(a) | u64::from(b) << 16 | u64::from(c) << 32 | u64::from(d) << 48
}

/// Hash of the head of four symbols.
#[inline]
fn head(quad: u64) -> u64 {
    let kept = if quad as u16 >= WIDE_FROM {
        WIDE
    } else {
        LETTERS
    };
    (quad & kept).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Word of a filter of so many, and the bit of it. The number is a power of two.
#[inline]
fn place(hash: u64, words: usize) -> (usize, u32) {
    ((hash >> 40) as usize & (words - 1), (hash >> 58) as u32)
}

/// Bit of the filter of short patterns.
#[inline]
fn short_place(first: u16, second: u16) -> (usize, u32) {
    let bit = pair_hash(first, second) >> (32 - SHORT_BITS);
    ((bit >> 6) as usize, bit & 63)
}

impl Heads {
    /// The filter of these patterns, each of two symbols or more.
    pub(super) fn new<'p>(patterns: impl ExactSizeIterator<Item = &'p [u16]>) -> Self {
        let bits = (patterns.len() * BITS_EACH)
            .next_power_of_two()
            .clamp(BITS.0, BITS.1);
        let mut heads = Self {
            words: vec![0; bits / 64].into_boxed_slice(),
            short: Box::default(),
        };
        for pattern in patterns {
            let wanted = if pattern[0] >= WIDE_FROM { 3 } else { 4 };
            if pattern.len() < wanted {
                if heads.short.is_empty() {
                    heads.short = vec![0; 1 << (SHORT_BITS - 6)].into_boxed_slice();
                }
                let (word, bit) = short_place(pattern[0], pattern[1]);
                heads.short[word] |= 1 << bit;
                continue;
            }
            let mut symbols = [0; 4];
            for (to, from) in symbols.iter_mut().zip(pattern) {
                *to = *from;
            }
            let (word, bit) = place(head(quad(symbols)), heads.words.len());
            heads.words[word] |= 1 << bit;
        }
        heads
    }

    /// Appends the positions in `from..to` at which a pattern may begin. Three symbols must follow behind `to`.
    pub(super) fn find(&self, symbols: &[u16], from: usize, to: usize, found: &mut Vec<Candidate>) {
        if self.words.is_empty() {
            return;
        }
        if self.short.is_empty() {
            scan(&self.words, |_| false, symbols, from, to, found);
        } else {
            let short = &*self.short;
            let is_short = |window: [u16; 4]| {
                let (word, bit) = short_place(window[0], window[1]);
                short[word] >> bit & 1 == 1
            };
            scan(&self.words, is_short, symbols, from, to, found);
        }
    }
}

#[inline]
fn scan(
    words: &[u64],
    is_short: impl Fn([u16; 4]) -> bool,
    symbols: &[u16],
    from: usize,
    to: usize,
    found: &mut Vec<Candidate>,
) {
    let readable = &symbols[from..(to + 3).min(symbols.len())];
    let mut base = from as u32;
    let mut rest = readable;
    while rest.len() > 3 {
        let length = (rest.len() - 3).min(BLOCK);
        // A bit for each position, so that the only branch is for those that pass.
        let mut mask = 0u64;
        for (at, window) in rest[..length + 3].array_windows().enumerate() {
            let (word, bit) = place(head(quad(*window)), words.len());
            let may = (words[word] >> bit & 1 == 1) | is_short(*window);
            mask |= u64::from(may) << at;
        }
        while mask != 0 {
            let at = base + mask.trailing_zeros();
            found.push(Candidate { hash: 0, at });
            mask &= mask - 1;
        }
        rest = &rest[length..];
        base += length as u32;
    }
}
