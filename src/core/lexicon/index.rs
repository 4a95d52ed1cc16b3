//! The index of all patterns: two filters before a hashed trie.
//!
//! For every position of a text: a bit says whether any pattern begins with the pair of symbols there. If so, a table says how long
//! the shortest such pattern is, up to eight symbols, and the hash of that many symbols is looked up in a bit set; the few positions
//! that pass walk a trie whose edges are as long as the patterns below them allow. Nothing depends on how many patterns there
//! are, but the caches: the first filter is made to stay in the first of them, and a node of the trie is one cache line away.
//!
//! Invariant: the filters never reject a position at which a pattern begins.

use std::collections::HashMap;

/// Longest pattern, symbols.
pub const MAX_PATTERN: usize = 128;
/// Symbols that must be readable behind the end of what is scanned; they match no pattern where they are 0.
pub const PADDING: usize = GRAM;

/// Longest gram and longest edge, symbols.
const GRAM: usize = 8;
/// Bits of the first filter: 16 KiB.
const PAIR_BITS: u32 = 17;
/// Entries of the table of gram lengths.
const LENGTH_BITS: u32 = 18;
/// Positions that the first filter looks at in one go.
const BLOCK: usize = 64;

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
    depth: 0,
    length: 0,
    step: 0,
};

/// Finds every occurrence of every pattern.
#[derive(Debug)]
pub struct TermIndex {
    /// By hashed pair: whether a pattern begins so.
    pairs: Box<[u64; 1 << (PAIR_BITS - 6)]>,
    /// By hashed pair: gram length; 0: no pattern begins so.
    lengths: Box<[u8; 1 << LENGTH_BITS]>,
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
    patterns: HashMap<u16, u32>,
}

#[inline]
fn pair_hash(first: u16, second: u16) -> u32 {
    (u32::from(first) | u32::from(second) << 16).wrapping_mul(0x9E37_79B1)
}

#[inline]
fn length_slot(first: u16, second: u16) -> usize {
    (pair_hash(first, second) >> (32 - LENGTH_BITS)) as usize
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

/// Hash of the first `length` symbols.
#[inline]
fn gram(symbols: &[u16; GRAM], length: u8) -> u64 {
    let quad = |a: usize| {
        u64::from(symbols[a])
            | u64::from(symbols[a + 1]) << 16
            | u64::from(symbols[a + 2]) << 32
            | u64::from(symbols[a + 3]) << 48
    };
    let mask = &MASKS[usize::from(length & 15).min(8)];
    let low = (quad(0) & mask[0]).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let high = (quad(4) & mask[1]).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
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

/// A node while the trie is built: parents have lower numbers than their children.
struct Draft {
    node: Node,
    parent: Option<usize>,
}

impl TermIndex {
    /// An index over `patterns`; they are distinct, not empty, at most [`MAX_PATTERN`] long and without the symbol 0. Hits name
    /// them by their place in the slice.
    pub fn new(patterns: &[Vec<u16>]) -> Self {
        let mut order: Vec<u32> = (0..patterns.len() as u32).collect();
        order.sort_by(|a, b| patterns[*a as usize].cmp(&patterns[*b as usize]));
        let mut index = Self {
            pairs: Box::new([0; 1 << (PAIR_BITS - 6)]),
            lengths: vec![0; 1 << LENGTH_BITS]
                .into_boxed_slice()
                .try_into()
                .unwrap_or_else(|_| Box::new([0; 1 << LENGTH_BITS])),
            filter: Box::default(),
            filter_shift: 0,
            table: Box::default(),
            single: None,
        };
        let (single, longer): (Vec<u32>, Vec<u32>) = order
            .iter()
            .partition(|p| patterns[**p as usize].len() == 1);
        index.add_singles(patterns, &single);
        for pattern in &longer {
            let symbols = &patterns[*pattern as usize];
            let length = symbols.len().min(GRAM) as u8;
            let bit = pair_hash(symbols[0], symbols[1]) >> (32 - PAIR_BITS);
            index.pairs[(bit >> 6) as usize] |= 1 << (bit & 63);
            let slot = &mut index.lengths[length_slot(symbols[0], symbols[1])];
            *slot = if *slot == 0 {
                length
            } else {
                length.min(*slot)
            };
        }
        let mut drafts = Vec::new();
        let mut rest = longer.as_slice();
        while let Some(first) = rest.first() {
            let symbols = &patterns[*first as usize];
            let length = usize::from(index.lengths[length_slot(symbols[0], symbols[1])]);
            let (group, after) = rest.split_at(same(patterns, rest, 0, length));
            draft(patterns, group, None, 0, length, &mut drafts);
            rest = after;
        }
        index.seal(&drafts);
        index
    }

    fn add_singles(&mut self, patterns: &[Vec<u16>], single: &[u32]) {
        if single.is_empty() {
            return;
        }
        let mut singles = Box::new(Singles {
            bits: [0; 1024],
            patterns: HashMap::new(),
        });
        for pattern in single {
            let symbol = patterns[*pattern as usize][0];
            singles.bits[usize::from(symbol >> 6)] |= 1 << (symbol & 63);
            singles.patterns.insert(symbol, *pattern);
        }
        self.single = Some(singles);
    }

    /// Fills the table and the second filter.
    fn seal(&mut self, drafts: &[Draft]) {
        let size = (drafts.len() * 3 / 2).next_power_of_two().max(16);
        let roots = drafts.iter().filter(|d| d.parent.is_none()).count();
        let bits = (roots * 16).next_power_of_two().clamp(1 << 12, 1 << 24);
        let mut table = vec![FREE; size].into_boxed_slice();
        let mut filter = vec![0u64; bits / 64].into_boxed_slice();
        self.filter_shift = 64 - (bits / 64).trailing_zeros();
        let mut slots: Vec<u32> = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let parent = draft.parent.map_or(ROOT, |number| slots[number]);
            let hash = gram(&draft.node.edge, draft.node.length);
            if parent == ROOT {
                filter[(hash >> self.filter_shift) as usize] |= filter_bits(hash);
            }
            let mut slot = table_slot(hash, parent, size);
            while table[slot].depth != 0 {
                slot = (slot + 1) & (size - 1);
            }
            table[slot] = Node {
                parent,
                ..draft.node
            };
            slots.push(slot as u32);
        }
        self.table = table;
        self.filter = filter;
    }

    /// Calls `hit(pattern, start, end)` for every occurrence that begins in `from..to` of `symbols`.
    ///
    /// Positions of patterns of two and more symbols come in order, then those of single symbols. `candidates` is scratch.
    #[inline]
    pub fn scan(
        &self,
        symbols: &[u16],
        from: usize,
        to: usize,
        candidates: &mut Vec<u32>,
        mut hit: impl FnMut(u32, usize, usize),
    ) {
        candidates.clear();
        self.pairs(symbols, from, to, candidates);
        self.grams(symbols, candidates);
        self.slots(symbols, candidates);
        for at in candidates.iter() {
            self.walk(symbols, *at as usize, &mut hit);
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

    /// The first filter: positions whose pair begins some pattern.
    fn pairs(&self, symbols: &[u16], from: usize, to: usize, candidates: &mut Vec<u32>) {
        let readable = &symbols[from..(to + 1).min(symbols.len())];
        let mut base = from;
        for block in readable
            .get(..readable.len().saturating_sub(1))
            .unwrap_or_default()
            .chunks(BLOCK)
        {
            let next = &readable[base - from + 1..][..block.len()];
            let mut mask = 0u64;
            for (at, (first, second)) in block.iter().zip(next).enumerate() {
                let bit = pair_hash(*first, *second) >> (32 - PAIR_BITS);
                mask |= (self.pairs[(bit >> 6) as usize] >> (bit & 63) & 1) << at;
            }
            while mask != 0 {
                candidates.push((base + mask.trailing_zeros() as usize) as u32);
                mask &= mask - 1;
            }
            base += BLOCK;
        }
    }

    /// The second filter: of these, those whose gram begins some pattern. Without a branch, since it is the one that decides.
    fn grams(&self, symbols: &[u16], candidates: &mut Vec<u32>) {
        let mut count = 0;
        for number in 0..candidates.len() {
            let at = candidates[number];
            let window = window(symbols, at as usize);
            let length = self.lengths[length_slot(window[0], window[1])];
            let hash = gram(&window, length);
            let bits = filter_bits(hash);
            let pass =
                length != 0 && self.filter[(hash >> self.filter_shift) as usize] & bits == bits;
            candidates[count] = at;
            count += usize::from(pass);
        }
        candidates.truncate(count);
    }

    /// Of these, those that have a node in the table. Walking them finds the same; but here the loads do not wait for one another,
    /// and with many patterns each is a cache miss.
    fn slots(&self, symbols: &[u16], candidates: &mut Vec<u32>) {
        let mut count = 0;
        for number in 0..candidates.len() {
            let at = candidates[number];
            let window = window(symbols, at as usize);
            let length = self.lengths[length_slot(window[0], window[1])];
            let slot = table_slot(gram(&window, length), ROOT, self.table.len());
            candidates[count] = at;
            count += usize::from(self.table[slot].depth != 0);
        }
        candidates.truncate(count);
    }

    #[inline]
    fn walk(&self, symbols: &[u16], at: usize, hit: &mut impl FnMut(u32, usize, usize)) {
        let first = window(symbols, at);
        let mut step = self.lengths[length_slot(first[0], first[1])];
        let (mut parent, mut depth) = (ROOT, 0usize);
        while step != 0 {
            let here = window(symbols, at + depth);
            let Some((slot, node)) = self.child(parent, &here, step) else {
                return;
            };
            depth = usize::from(node.depth);
            if node.pattern != 0 {
                hit(node.pattern - 1, at, at + depth);
            }
            (parent, step) = (slot, node.step);
        }
    }

    #[inline]
    fn child(&self, parent: u32, here: &[u16; GRAM], step: u8) -> Option<(u32, &Node)> {
        let mut slot = table_slot(gram(here, step), parent, self.table.len());
        loop {
            let node = &self.table[slot];
            if node.depth == 0 {
                return None;
            }
            if node.parent == parent
                && node.length == step
                && node.edge[..usize::from(step)] == here[..usize::from(step)]
            {
                return Some((slot as u32, node));
            }
            slot = (slot + 1) & (self.table.len() - 1);
        }
    }
}

/// Adds the node of depth `to` that all of `group` pass, reached by an edge from depth `from`, and everything below it.
fn draft(
    patterns: &[Vec<u16>],
    group: &[u32],
    parent: Option<usize>,
    from: usize,
    to: usize,
    drafts: &mut Vec<Draft>,
) {
    let number = drafts.len();
    let symbols = &patterns[group[0] as usize];
    let ends = symbols.len() == to;
    let mut rest = &group[usize::from(ends)..];
    let step = rest
        .iter()
        .map(|p| patterns[*p as usize].len() - to)
        .min()
        .unwrap_or(0)
        .min(GRAM);
    let node = Node {
        edge: window(&symbols[from..to], 0),
        parent: ROOT,
        pattern: if ends { group[0] + 1 } else { 0 },
        depth: to as u16,
        length: (to - from) as u8,
        step: step as u8,
    };
    drafts.push(Draft { node, parent });
    while !rest.is_empty() {
        let (child, after) = rest.split_at(same(patterns, rest, to, to + step));
        draft(patterns, child, Some(number), to, to + step, drafts);
        rest = after;
    }
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
    (mixed >> 32) as usize & (size - 1)
}

/// How many patterns at the head of `group` agree with its first one in the symbols `from..to`.
fn same(patterns: &[Vec<u16>], group: &[u32], from: usize, to: usize) -> usize {
    let first = &patterns[group[0] as usize][from..to];
    group
        .iter()
        .take_while(|p| patterns[**p as usize].get(from..to) == Some(first))
        .count()
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
