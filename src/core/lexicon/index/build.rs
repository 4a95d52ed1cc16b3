//! How the index is made: patterns, sorted, to the nodes of a trie, to a table.
//!
//! Invariant: parents come before their children, so that a child knows its parent's slot.

use rustc_hash::FxHashMap;

use super::{
    FREE, GRAM, Lengths, Node, ROOT, Singles, TermIndex, below, filter_bits, gram, table_slot,
    window,
};
use crate::core::lexicon::heads::Heads;

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
            heads: Heads::default(),
            lengths: Lengths::new(),
            filter: Box::default(),
            filter_shift: 0,
            table: Box::default(),
            single: None,
        };
        let (single, longer): (Vec<u32>, Vec<u32>) = order
            .iter()
            .partition(|p| patterns[**p as usize].len() == 1);
        index.add_singles(patterns, &single);
        index.heads = Heads::new(longer.iter().map(|p| patterns[*p as usize].as_slice()));
        for pattern in &longer {
            let symbols = &patterns[*pattern as usize];
            let length = symbols.len().min(GRAM) as u8;
            index.lengths.lower(symbols, length);
        }
        let mut drafts = Vec::new();
        let mut rest = longer.as_slice();
        while let Some(first) = rest.first() {
            let symbols = &patterns[*first as usize];
            let length = usize::from(index.lengths.get(symbols));
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
            patterns: FxHashMap::default(),
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
        // No power of two: a table twice as large would be twice as far away.
        let size = slots(drafts.len());
        let roots = drafts.iter().filter(|d| d.parent.is_none()).count();
        let bits = (roots * 16).next_power_of_two().clamp(1 << 16, 1 << 24);
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
                slot = if slot + 1 == size { 0 } else { slot + 1 };
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
}

/// Slots for so many nodes. With few nodes many are left free, so that an edge that is not there is seen at once: with four
/// fifths taken that takes a dozen looks. With many nodes the caches count for more.
fn slots(nodes: usize) -> usize {
    const ROOMY: usize = 1 << 16;
    (nodes * 4).min(ROOMY.max(nodes * 3 / 2)) + 16
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
        below: rest
            .iter()
            .fold(0, |bits, p| bits | below(patterns[*p as usize][to])),
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

/// How many patterns at the head of `group` agree with its first one in the symbols `from..to`.
fn same(patterns: &[Vec<u16>], group: &[u32], from: usize, to: usize) -> usize {
    let first = &patterns[group[0] as usize][from..to];
    group
        .iter()
        .take_while(|p| patterns[**p as usize].get(from..to) == Some(first))
        .count()
}
