//! Names to entries: a hash of folded names for alphabetic scripts, an automaton for Chinese.
//!
//! Invariant: the entries of one name are sorted by tier, coarsest first, then population, largest first, then code.

use daachorse::{CharwiseDoubleArrayAhoCorasick, CharwiseDoubleArrayAhoCorasickBuilder, MatchKind};
use rustc_hash::{FxHashMap, FxHashSet};
use xxhash_rust::xxh3::xxh3_64;

use super::words::fold;
use crate::core::normalise::normalise;

/// Words of the longest name that is looked up.
pub(super) const MAX_NAME_WORDS: usize = 6;

/// Entries looked at under one name; the smallest beyond are forgotten.
pub(super) const MAX_SAME_NAME: usize = 256;

/// Where a name may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// Anywhere.
    Any,
    /// Only right after a place that lies in it: `Castaic, CA`.
    After,
}

/// The entries of one name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Posting {
    start: u32,
    length: u16,
    /// Bit 0: every use is [`Use::After`]. Bit 1: an ordinary word.
    flags: u8,
    /// Characters of the name, for Chinese.
    pub chars: u8,
}

impl Posting {
    pub(super) fn after_only(self) -> bool {
        self.flags & 1 != 0
    }

    /// The name is also an ordinary word: it needs a place beside it that holds it, or the feed's home around it.
    pub(super) fn guarded(self) -> bool {
        self.flags & 2 != 0
    }
}

/// The index of all names.
#[derive(Default)]
pub(super) struct Names {
    latin: FxHashMap<u64, Posting>,
    /// Longest name, in words, by the hash of its first word.
    first_words: FxHashMap<u64, u8>,
    han: Option<CharwiseDoubleArrayAhoCorasick<u32>>,
    han_postings: Vec<Posting>,
    entries: Vec<u32>,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

/// Collects names before the index is built.
#[derive(Debug, Default)]
pub(super) struct NameList {
    latin: Vec<(String, u32, Use)>,
    han: Vec<(String, u32)>,
    guarded: FxHashSet<String>,
}

/// Whether a text has Chinese characters; Japanese and Korean names come as their Han characters or romanised.
pub(super) fn has_han(text: &str) -> bool {
    // The first bytes of U+3000 to U+9FFF.
    let first = |byte: u8| matches!(byte, 0xE3..=0xE9);
    text.bytes().fold(false, |any, byte| any | first(byte))
        && text.chars().any(|c| matches!(c, '\u{3400}'..='\u{9fff}'))
}

impl NameList {
    /// Adds a name of the entry with index `entry`.
    pub(super) fn add(&mut self, name: &str, entry: u32, usage: Use) {
        if has_han(name) {
            let normal = normalise(name);
            if (2..=32).contains(&normal.chars().count()) {
                self.han.push((normal, entry));
            }
            return;
        }
        let folded = fold(name);
        let words = folded.split(' ').count();
        if folded.len() >= 2 && words <= MAX_NAME_WORDS {
            self.latin.push((folded, entry, usage));
        }
    }

    /// Marks a name as an ordinary word.
    pub(super) fn guard(&mut self, word: &str) {
        if has_han(word) {
            self.guarded.insert(normalise(word));
        } else {
            self.guarded.insert(fold(word));
        }
    }

    /// Builds the index. `rank` orders the entries of one name, smallest first.
    pub(super) fn build<R: Ord>(mut self, rank: impl Fn(u32) -> R) -> Result<Names, String> {
        let mut names = Names::default();
        self.latin.sort_unstable();
        self.latin.dedup();
        for group in self.latin.chunk_by(|a, b| a.0 == b.0) {
            let name = &group[0].0;
            let after = group.iter().all(|name| name.2 == Use::After);
            let entries = group.iter().map(|name| name.1).collect();
            let guarded = self.guarded.contains(name);
            let posting = names.posting(entries, &rank, after, guarded);
            names.latin.insert(xxh3_64(name.as_bytes()), posting);
            let first = name.split(' ').next().unwrap_or_default();
            let words = name.split(' ').count() as u8;
            let longest = names
                .first_words
                .entry(xxh3_64(first.as_bytes()))
                .or_default();
            *longest = words.max(*longest);
        }
        self.han.sort_unstable();
        self.han.dedup();
        let mut patterns = Vec::new();
        for group in self.han.chunk_by(|a, b| a.0 == b.0) {
            let name = group[0].0.as_str();
            let entries = group.iter().map(|name| name.1).collect();
            let guarded = self.guarded.contains(name);
            let mut posting = names.posting(entries, &rank, false, guarded);
            posting.chars = name.chars().count() as u8;
            patterns.push((name, names.han_postings.len() as u32));
            names.han_postings.push(posting);
        }
        if !patterns.is_empty() {
            let automaton = CharwiseDoubleArrayAhoCorasickBuilder::new()
                .match_kind(MatchKind::LeftmostLongest)
                .build_with_values(patterns)
                .map_err(|error| error.to_string())?;
            names.han = Some(automaton);
        }
        Ok(names)
    }
}

impl Names {
    fn posting<R: Ord>(
        &mut self,
        mut entries: Vec<u32>,
        rank: impl Fn(u32) -> R,
        after: bool,
        guarded: bool,
    ) -> Posting {
        entries.sort_unstable();
        entries.dedup();
        entries.sort_by_key(|&entry| rank(entry));
        entries.truncate(MAX_SAME_NAME);
        let start = self.entries.len() as u32;
        self.entries.extend_from_slice(&entries);
        Posting {
            start,
            length: entries.len() as u16,
            flags: u8::from(after) | u8::from(guarded) << 1,
            chars: 0,
        }
    }

    /// The entries of a name.
    pub(super) fn entries(&self, posting: Posting) -> &[u32] {
        let start = posting.start as usize;
        &self.entries[start..start + usize::from(posting.length)]
    }

    /// Words of the longest name that begins with this folded word; 0 when none does.
    pub(super) fn longest_from(&self, first: &str) -> usize {
        let found = self.first_words.get(&xxh3_64(first.as_bytes()));
        found.map_or(0, |&words| usize::from(words))
    }

    /// The name that is exactly this folded text.
    pub(super) fn latin(&self, folded: &str) -> Option<Posting> {
        self.latin.get(&xxh3_64(folded.as_bytes())).copied()
    }

    /// Chinese names in a normalised text: byte range and posting, leftmost and longest, without overlap.
    pub(super) fn han<'t>(
        &'t self,
        normalised: &'t str,
    ) -> impl Iterator<Item = (usize, usize, Posting)> + 't {
        self.han.iter().flat_map(move |automaton| {
            automaton.leftmost_find_iter(normalised).map(|hit| {
                (
                    hit.start(),
                    hit.end(),
                    self.han_postings[hit.value() as usize],
                )
            })
        })
    }
}
