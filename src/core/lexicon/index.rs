//! The index of all patterns: two filters before a hashed trie.
//!
//! For every position of a text: two bits say whether any pattern begins with the symbols there, three of them where symbols are
//! words, four where they are letters ([`Heads`]). If so, a table says how long the shortest such pattern is, up to eight symbols,
//! and the hash of that many symbols is looked up in a bit set; the few positions that pass walk a trie whose edges are as long as
//! the patterns below them allow. Nothing depends on how many patterns there are, but the caches: the first filter is made to stay
//! in the nearest that can hold it, and a node of the trie is one cache line away.
//!
//! Invariant: the filters never reject a position at which a pattern begins.

mod build;

use rustc_hash::FxHashMap;

use super::heads::Heads;

/// Longest pattern, symbols.
pub const MAX_PATTERN: usize = 128;
/// Symbols that must be readable behind the end of what is scanned; they match no pattern where they are 0.
pub const PADDING: usize = GRAM;

/// Longest gram and longest edge, symbols.
const GRAM: usize = 8;
/// Entries of the table of gram lengths, two to a byte: 128 KiB.
const LENGTH_BITS: u32 = 18;

/// The parent of the first nodes.
const ROOT: u32 = u32::MAX;

/// A prefix that some patterns share: the edge that leads to it, and where to go from it. Half a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Node {
    /// Last symbols of the prefix, zeros behind them.
    edge: [u16; GRAM],
    /// Slot of the node that the edge comes from.
    parent: u32,
    /// Pattern that ends here, plus one.
    pattern: u32,
    /// Bits of the first symbols of the edges from here: see [`below`].
    below: u32,
    /// Length of the prefix; 0: the slot is free.
    depth: u16,
    /// Length of the edge that leads here.
    length: u8,
    /// Length of the edges from here; 0: none.
    step: u8,
}

const FREE: Node = Node {
    edge: [0; GRAM],
    parent: ROOT,
    pattern: 0,
    below: 0,
    depth: 0,
    length: 0,
    step: 0,
};

/// A position of a text at which a pattern may begin, and the hash of the gram there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Candidate {
    pub(super) hash: u64,
    pub(super) at: u32,
}

/// Finds every occurrence of every pattern.
#[derive(Debug)]
pub struct TermIndex {
    heads: Heads,
    lengths: Lengths,
    /// Bit set of hashed grams.
    filter: Box<[u64]>,
    filter_shift: u32,
    /// Open addressing over (parent, edge).
    table: Box<[Node]>,
    /// Patterns of one symbol: a bit for each, then the pattern.
    single: Option<Box<Singles>>,
}

#[derive(Debug)]
struct Singles {
    bits: [u64; 1024],
    patterns: FxHashMap<u16, u32>,
}

#[inline]
pub(super) fn pair_hash(first: u16, second: u16) -> u32 {
    (u32::from(first) | u32::from(second) << 16).wrapping_mul(0x9E37_79B1)
}

/// By hashed pair of first symbols: the length of the grams that begin so; 0: no pattern does. Half a byte each.
#[derive(Debug)]
struct Lengths(Box<[u8; 1 << (LENGTH_BITS - 1)]>);

impl Lengths {
    fn new() -> Self {
        Self(Box::new([0; 1 << (LENGTH_BITS - 1)]))
    }

    /// Byte, and how far it is to be shifted.
    #[inline]
    fn place(symbols: &[u16]) -> (usize, u32) {
        let slot = pair_hash(symbols[0], symbols[1]) >> (32 - LENGTH_BITS);
        ((slot >> 1) as usize, (slot & 1) * 4)
    }

    #[inline]
    fn get(&self, symbols: &[u16]) -> u8 {
        let (byte, shift) = Self::place(symbols);
        self.0[byte] >> shift & 15
    }

    /// The shortest counts.
    fn lower(&mut self, symbols: &[u16], length: u8) {
        let known = self.get(symbols);
        if known == 0 || length < known {
            let (byte, shift) = Self::place(symbols);
            self.0[byte] = self.0[byte] & !(15 << shift) | length << shift;
        }
    }
}

const MASKS: [[u64; 2]; 9] = {
    let mut masks = [[0; 2]; 9];
    let mut length = 1;
    while length <= 8 {
        masks[length] = [
            if length >= 4 {
                u64::MAX
            } else {
                (1 << (16 * length)) - 1
            },
            if length == 8 {
                u64::MAX
            } else if length > 4 {
                (1 << (16 * (length - 4))) - 1
            } else {
                0
            },
        ];
        length += 1;
    }
    masks
};

/// Eight symbols as two numbers, the first symbol lowest.
#[inline]
fn quads(symbols: &[u16; GRAM]) -> [u64; 2] {
    let quad = |a: usize| {
        u64::from(symbols[a])
            | u64::from(symbols[a + 1]) << 16
            | u64::from(symbols[a + 2]) << 32
            | u64::from(symbols[a + 3]) << 48
    };
    [quad(0), quad(4)]
}

/// The same of the first `length` symbols, zeros for the rest.
#[inline]
fn masked(symbols: &[u16; GRAM], length: u8) -> [u64; 2] {
    let mask = &MASKS[usize::from(length & 15).min(8)];
    let [low, high] = quads(symbols);
    [low & mask[0], high & mask[1]]
}

/// Hash of the first `length` symbols.
#[inline]
fn gram(symbols: &[u16; GRAM], length: u8) -> u64 {
    let [low, high] = masked(symbols, length);
    let low = low.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let high = high.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    let mixed = low ^ high.rotate_left(29);
    mixed ^ mixed >> 32
}

/// Eight symbols from `at`, zeros behind the end.
#[inline]
fn window(symbols: &[u16], at: usize) -> [u16; GRAM] {
    if let Some(window) = symbols.get(at..).and_then(|rest| rest.first_chunk()) {
        return *window;
    }
    let mut padded = [0; GRAM];
    for (to, from) in padded.iter_mut().zip(symbols.iter().skip(at)) {
        *to = *from;
    }
    padded
}

impl TermIndex {
    /// Calls `hit(pattern, start, end)` for every occurrence that begins in `from..to` of `symbols`, behind which [`PADDING`]
    /// zeros follow.
    ///
    /// Positions of patterns of two and more symbols come in order, then those of single symbols. `candidates` is scratch.
    #[inline]
    pub fn scan(
        &self,
        symbols: &[u16],
        from: usize,
        to: usize,
        candidates: &mut Vec<Candidate>,
        mut hit: impl FnMut(u32, usize, usize),
    ) {
        candidates.clear();
        self.heads.find(symbols, from, to, candidates);
        self.grams(symbols, candidates);
        self.slots(candidates);
        for candidate in candidates.iter() {
            self.walk(symbols, *candidate, &mut hit);
        }
        if let Some(singles) = &self.single {
            for (at, symbol) in symbols[from..to].iter().enumerate() {
                if singles.bits[usize::from(symbol >> 6)] >> (symbol & 63) & 1 == 1
                    && let Some(pattern) = singles.patterns.get(symbol)
                {
                    hit(*pattern, from + at, from + at + 1);
                }
            }
        }
    }

    /// The second filter: of these, those whose gram begins some pattern. Without a branch, since it is the one that decides.
    fn grams(&self, symbols: &[u16], candidates: &mut Vec<Candidate>) {
        let mut count = 0;
        for number in 0..candidates.len() {
            let at = candidates[number].at;
            let window = window(symbols, at as usize);
            let length = self.lengths.get(&window);
            let hash = gram(&window, length);
            let bits = filter_bits(hash);
            let pass =
                length != 0 && self.filter[(hash >> self.filter_shift) as usize] & bits == bits;
            candidates[count] = Candidate { hash, at };
            count += usize::from(pass);
        }
        candidates.truncate(count);
    }

    /// Of these, those that have a node in the table. Walking them finds the same; but here the loads do not wait for one another,
    /// and with many patterns each is a cache miss.
    fn slots(&self, candidates: &mut Vec<Candidate>) {
        let mut count = 0;
        for number in 0..candidates.len() {
            let candidate = candidates[number];
            candidates[count] = candidate;
            let slot = table_slot(candidate.hash, ROOT, self.table.len());
            count += usize::from(self.table[slot].depth != 0);
        }
        candidates.truncate(count);
    }

    #[inline]
    fn walk(&self, symbols: &[u16], start: Candidate, hit: &mut impl FnMut(u32, usize, usize)) {
        let at = start.at as usize;
        let mut here = window(symbols, at);
        let mut step = self.lengths.get(&here);
        let mut parent = ROOT;
        let mut slot = table_slot(start.hash, ROOT, self.table.len());
        loop {
            let Some((found, node)) = self.child(parent, slot, &here, step) else {
                return;
            };
            let depth = usize::from(node.depth);
            if node.pattern != 0 {
                hit(node.pattern - 1, at, at + depth);
            }
            // Most texts end here; to look for an edge that is not there would be another cache miss.
            if node.below & below(symbols[at + depth]) == 0 {
                return;
            }
            (parent, step) = (found, node.step);
            here = window(symbols, at + depth);
            slot = table_slot(gram(&here, step), parent, self.table.len());
        }
    }

    /// The node of the edge `here[..step]` from `parent`, looked for from `slot` on.
    #[inline]
    fn child(
        &self,
        parent: u32,
        mut slot: usize,
        here: &[u16; GRAM],
        step: u8,
    ) -> Option<(u32, &Node)> {
        let wanted = masked(here, step);
        loop {
            let node = &self.table[slot];
            if node.depth == 0 {
                return None;
            }
            if node.parent == parent && node.length == step && quads(&node.edge) == wanted {
                return Some((slot as u32, node));
            }
            slot = if slot + 1 == self.table.len() {
                0
            } else {
                slot + 1
            };
        }
    }
}

/// The bit of an edge in [`Node::below`], by its first symbol.
#[inline]
fn below(first: u16) -> u32 {
    1 << (first.wrapping_mul(0x9E37) >> 11)
}

/// Two bits of a word of the filter.
#[inline]
fn filter_bits(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63)
}

#[inline]
fn table_slot(hash: u64, parent: u32, size: usize) -> usize {
    let mixed = (hash ^ u64::from(parent).wrapping_mul(0xD6E8_FEB8_6659_FD93))
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (((mixed >> 32) * size as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(patterns: &[Vec<u16>], text: &[u16]) -> Vec<(usize, usize, u32)> {
        let mut padded = text.to_vec();
        padded.extend([0; PADDING]);
        let (mut hits, mut candidates) = (Vec::new(), Vec::new());
        TermIndex::new(patterns).scan(&padded, 0, text.len(), &mut candidates, |p, a, b| {
            hits.push((a, b, p));
        });
        hits.sort_unstable();
        hits
    }

    fn naive(patterns: &[Vec<u16>], text: &[u16]) -> Vec<(usize, usize, u32)> {
        let mut hits = Vec::new();
        for (p, pattern) in patterns.iter().enumerate() {
            for at in 0..text.len() {
                if text[at..].starts_with(pattern) {
                    hits.push((at, at + pattern.len(), p as u32));
                }
            }
        }
        hits.sort_unstable();
        hits
    }

    #[test]
    fn nested_long_and_single_patterns() {
        let patterns: Vec<Vec<u16>> = [
            "火",
            "火灾",
            "火灾事故",
            "fire",
            "fires",
            "fire station number twelve",
            "re",
            "aaaaaaaaaaaaaaaaaaaa",
        ]
        .iter()
        .map(|t| t.encode_utf16().collect())
        .collect();
        let text: Vec<u16> = "火灾事故 fire station number twelve fires aaaaaaaaaaaaaaaaaaaaaa"
            .encode_utf16()
            .collect();
        let hits = found(&patterns, &text);
        assert_eq!(hits, naive(&patterns, &text));
        assert_eq!(hits.len(), 3 + 2 + 1 + 3 + 3);
    }

    proptest! {
        #[test]
        fn finds_what_naive_search_finds(
            patterns in proptest::collection::btree_set(proptest::collection::vec(1u16..4, 1..20), 1..40),
            text in proptest::collection::vec(1u16..4, 0..120),
        ) {
            let patterns: Vec<Vec<u16>> = patterns.into_iter().collect();
            prop_assert_eq!(found(&patterns, &text), naive(&patterns, &text));
        }

        #[test]
        fn finds_terms_in_mixed_text(
            patterns in proptest::collection::btree_set("[a-c火灾]{1,12}", 1..60),
            text in "[a-c火灾 ]{0,200}",
        ) {
            let patterns: Vec<Vec<u16>> = patterns.iter().map(|p| p.encode_utf16().collect()).collect();
            let text: Vec<u16> = text.encode_utf16().collect();
            prop_assert_eq!(found(&patterns, &text), naive(&patterns, &text));
        }
    }
}
