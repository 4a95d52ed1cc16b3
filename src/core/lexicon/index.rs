//! The index of all patterns: a gram filter before a hashed trie.
//!
//! For every position of a text: the pair of symbols there says how long the shortest pattern that begins so is, up to eight
//! symbols; the hash of that many symbols is looked up in a bit set; the few that pass walk a trie whose edges are as long as
//! the patterns below them allow. Nothing depends on how many patterns there are, but the caches.
//!
//! Invariant: the filter never rejects a position at which a pattern begins.

use std::collections::HashMap;

/// Longest pattern, symbols.
pub const MAX_PATTERN: usize = 128;
/// Symbols that must be readable behind the end of what is scanned; they match no pattern where they are 0.
pub const PADDING: usize = GRAM;

/// Longest gram and longest edge, symbols.
const GRAM: usize = 8;
const PAIR_BITS: u32 = 16;

/// No node, and the root.
const NONE: u32 = 0;

/// A prefix that some patterns share.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// Where the prefix stands in [`TermIndex::pool`].
    path: u32,
    /// Node that the edge comes from.
    parent: u32,
    /// Pattern that ends here, plus one.
    pattern: u32,
    /// Length of the prefix.
    depth: u16,
    /// Length of the edges from here; 0: none.
    step: u8,
}

/// Finds every occurrence of every pattern.
#[derive(Debug)]
pub struct TermIndex {
    /// Gram length by hashed pair; 0: no pattern begins so.
    pairs: Box<[u8; 1 << PAIR_BITS]>,
    /// Bit set of hashed grams.
    filter: Box<[u64]>,
    filter_shift: u32,
    nodes: Vec<Node>,
    /// Open addressing over (parent, edge) → node.
    table: Box<[u32]>,
    pool: Vec<u16>,
    /// Patterns of one symbol: a bit for each, then the pattern.
    single: Option<Box<Singles>>,
}

#[derive(Debug)]
struct Singles {
    bits: [u64; 1024],
    patterns: HashMap<u16, u32>,
}

#[inline]
fn pair_slot(first: u16, second: u16) -> usize {
    let pair = u32::from(first) | u32::from(second) << 16;
    (pair.wrapping_mul(0x9E37_79B1) >> (32 - PAIR_BITS)) as usize
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

impl TermIndex {
    /// An index over `patterns`; they are distinct, not empty, at most [`MAX_PATTERN`] long and without the symbol 0. Hits name
    /// them by their place in the slice.
    pub fn new(patterns: &[Vec<u16>]) -> Self {
        let mut order: Vec<u32> = (0..patterns.len() as u32).collect();
        order.sort_by(|a, b| patterns[*a as usize].cmp(&patterns[*b as usize]));
        let mut index = Self {
            pairs: Box::new([0; 1 << PAIR_BITS]),
            filter: Box::default(),
            filter_shift: 0,
            nodes: vec![Node::default()],
            table: Box::default(),
            pool: Vec::new(),
            single: None,
        };
        let (single, longer): (Vec<u32>, Vec<u32>) = order
            .iter()
            .partition(|p| patterns[**p as usize].len() == 1);
        index.add_singles(patterns, &single);
        for pattern in &longer {
            let symbols = &patterns[*pattern as usize];
            let length = symbols.len().min(GRAM) as u8;
            let slot = &mut index.pairs[pair_slot(symbols[0], symbols[1])];
            *slot = if *slot == 0 {
                length
            } else {
                length.min(*slot)
            };
        }
        let mut rest = longer.as_slice();
        while let Some(first) = rest.first() {
            let symbols = &patterns[*first as usize];
            let length = usize::from(index.pairs[pair_slot(symbols[0], symbols[1])]);
            let (group, after) = rest.split_at(same(patterns, rest, 0, length));
            index.add_node(patterns, group, NONE, length);
            rest = after;
        }
        index.seal();
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

    /// Adds the node of depth `depth` that all of `group` pass, and everything below it.
    fn add_node(&mut self, patterns: &[Vec<u16>], group: &[u32], parent: u32, depth: usize) {
        let id = self.nodes.len() as u32;
        let symbols = &patterns[group[0] as usize];
        let path = self.pool.len() as u32;
        self.pool.extend_from_slice(&symbols[..depth]);
        let ends = symbols.len() == depth;
        let mut rest = &group[usize::from(ends)..];
        let step = rest
            .iter()
            .map(|p| patterns[*p as usize].len() - depth)
            .min()
            .unwrap_or(0)
            .min(GRAM);
        self.nodes.push(Node {
            path,
            parent,
            pattern: if ends { group[0] + 1 } else { 0 },
            depth: depth as u16,
            step: step as u8,
        });
        while !rest.is_empty() {
            let (child, after) = rest.split_at(same(patterns, rest, depth, depth + step));
            self.add_node(patterns, child, id, depth + step);
            rest = after;
        }
    }

    /// Fills the table and the filter.
    fn seal(&mut self) {
        let size = (self.nodes.len() * 2).next_power_of_two().max(16);
        let roots = self
            .nodes
            .iter()
            .skip(1)
            .filter(|n| n.parent == NONE)
            .count();
        let bits = (roots * 16).next_power_of_two().clamp(1 << 12, 1 << 24);
        let mut table = vec![0u32; size].into_boxed_slice();
        let mut filter = vec![0u64; bits / 64].into_boxed_slice();
        self.filter_shift = 64 - (bits / 64).trailing_zeros();
        for (id, node) in self.nodes.iter().enumerate().skip(1) {
            let from = usize::from(self.nodes[node.parent as usize].depth);
            let edge = &self.pool[node.path as usize..][from..usize::from(node.depth)];
            let hash = gram(&window(edge, 0), edge.len() as u8);
            if node.parent == NONE {
                filter[(hash >> self.filter_shift) as usize] |= filter_bits(hash);
            }
            let mut slot = table_slot(hash, node.parent, size);
            while table[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            table[slot] = id as u32;
        }
        self.table = table;
        self.filter = filter;
    }

    /// Calls `hit(pattern, start, end)` for every occurrence that begins in `from..to` of `symbols`.
    ///
    /// Positions of patterns of two and more symbols come in order, then those of single symbols.
    #[inline]
    pub fn scan(
        &self,
        symbols: &[u16],
        from: usize,
        to: usize,
        candidates: &mut Vec<u32>,
        mut hit: impl FnMut(u32, usize, usize),
    ) {
        self.filter(symbols, from, to, candidates);
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

    /// Positions at which a pattern may begin.
    fn filter(&self, symbols: &[u16], from: usize, to: usize, candidates: &mut Vec<u32>) {
        let readable = &symbols[from..(to + PADDING).min(symbols.len())];
        candidates.clear();
        candidates.resize(to - from + 1, 0);
        let mut count = 0;
        for (at, window) in readable.array_windows::<GRAM>().enumerate() {
            let length = self.pairs[pair_slot(window[0], window[1])];
            let hash = gram(window, length);
            let bits = filter_bits(hash);
            let pass =
                length != 0 && self.filter[(hash >> self.filter_shift) as usize] & bits == bits;
            candidates[count] = (from + at) as u32;
            count += usize::from(pass);
        }
        candidates.truncate(count);
    }

    #[inline]
    fn walk(&self, symbols: &[u16], at: usize, hit: &mut impl FnMut(u32, usize, usize)) {
        let first = window(symbols, at);
        let mut step = self.pairs[pair_slot(first[0], first[1])];
        let (mut parent, mut depth) = (NONE, 0usize);
        while step != 0 {
            let here = window(symbols, at + depth);
            let Some((id, node)) = self.child(parent, &here, depth, step) else {
                return;
            };
            depth = usize::from(node.depth);
            if node.pattern != 0 {
                hit(node.pattern - 1, at, at + depth);
            }
            (parent, step) = (id, node.step);
        }
    }

    #[inline]
    fn child(
        &self,
        parent: u32,
        here: &[u16; GRAM],
        depth: usize,
        step: u8,
    ) -> Option<(u32, &Node)> {
        let mut slot = table_slot(gram(here, step), parent, self.table.len());
        loop {
            let id = self.table[slot];
            if id == 0 {
                return None;
            }
            let node = &self.nodes[id as usize];
            // Edges from the root differ in length; elsewhere the parent decides it.
            let end = depth + usize::from(step);
            if node.parent == parent
                && usize::from(node.depth) == end
                && self.pool[node.path as usize + depth..][..usize::from(step)]
                    == here[..usize::from(step)]
            {
                return Some((id, node));
            }
            slot = (slot + 1) & (self.table.len() - 1);
        }
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
            hits.push((a, b, p))
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
