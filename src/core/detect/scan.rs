//! The text of one report as symbols, and the occurrences of terms in it.

use std::sync::LazyLock;

use crate::core::lexicon::{Candidate, PADDING, UNLESS_WITHIN};
use crate::core::normalise::{normalise_into, to_text};
use crate::core::rule::is_word;
use crate::core::rule::program::{Guard, HotPosting, Program, edge, scope};

/// Occurrences looked at in one report; later ones are left out. Only a text made for it has more.
pub(super) const MAX_OCCURRENCES: usize = 1 << 16;
/// Symbols around an occurrence in which its contexts are looked for.
const CONTEXT: u32 = 256;

/// Title or text within [`Scan::symbols`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Segment {
    pub(super) scope: u8,
    pub(super) from: u32,
    pub(super) to: u32,
}

/// One pattern found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Occurrence {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) pattern: u32,
}

/// Scratch of one worker: reused, so that a report without a hit allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) symbols: Vec<u16>,
    pub(super) segments: [Segment; 2],
    pub(super) occurrences: Vec<Occurrence>,
    candidates: Vec<Candidate>,
    seen: Seen,
}

/// Which patterns occur, by a few bits of their numbers: contexts mostly do not, and then nothing has to be looked for.
#[derive(Debug, Default)]
struct Seen([u64; 16]);

impl Seen {
    fn place(pattern: u32) -> (usize, u32) {
        ((pattern >> 6 & 15) as usize, pattern & 63)
    }

    fn add(&mut self, pattern: u32) {
        let (word, bit) = Self::place(pattern);
        self.0[word] |= 1 << bit;
    }

    fn may_have(&self, pattern: u32) -> bool {
        let (word, bit) = Self::place(pattern);
        self.0[word] >> bit & 1 == 1
    }
}

/// One bit per symbol: a letter or digit of an alphabetic script.
static WORD: LazyLock<Box<[u64; 1024]>> = LazyLock::new(|| {
    let mut bits = Box::new([0u64; 1024]);
    for code in 0..=u16::MAX {
        if char::from_u32(u32::from(code)).is_some_and(is_word) {
            bits[usize::from(code >> 6)] |= 1 << (code & 63);
        }
    }
    bits
});

/// One bit per symbol: [`is_unit`].
static UNIT: LazyLock<Box<[u64; 1024]>> = LazyLock::new(|| {
    let mut bits = Box::new([0u64; 1024]);
    for symbol in (0..=u16::MAX).filter(|symbol| is_unit(*symbol)) {
        bits[usize::from(symbol >> 6)] |= 1 << (symbol & 63);
    }
    bits
});

#[inline]
fn has(bits: &[u64; 1024], symbol: u16) -> bool {
    bits[usize::from(symbol >> 6)] >> (symbol & 63) & 1 == 1
}

fn word(symbol: u16) -> bool {
    has(&WORD, symbol)
}

impl Scan {
    /// Normalises what the program looks into and finds the patterns there.
    pub(super) fn run(&mut self, program: &Program, title: &str, text: &str) {
        self.symbols.clear();
        self.occurrences.clear();
        self.seen = Seen::default();
        self.segments = [Segment::default(); 2];
        let fields = [(scope::TITLE, title), (scope::TEXT, text)];
        for (segment, (scope, value)) in self.segments.iter_mut().zip(fields) {
            if program.scanned & scope == 0 || value.is_empty() {
                continue;
            }
            let from = self.symbols.len();
            normalise_into(value, &mut self.symbols);
            let to = self.symbols.len();
            self.symbols.resize(to + PADDING, 0);
            *segment = Segment {
                scope,
                from: from as u32,
                to: to as u32,
            };
            let (found, seen) = (&mut self.occurrences, &mut self.seen);
            program.index.scan(
                &self.symbols,
                from,
                to,
                &mut self.candidates,
                |pattern, from, to| {
                    if found.len() < MAX_OCCURRENCES {
                        seen.add(pattern);
                        found.push(Occurrence {
                            from: from as u32,
                            to: to as u32,
                            pattern,
                        });
                    }
                },
            );
        }
        if self.occurrences.len() > 1 && !self.occurrences.is_sorted() {
            self.occurrences.sort_unstable();
        }
    }

    /// The field in which an occurrence lies.
    pub(super) fn segment(&self, occurrence: &Occurrence) -> Segment {
        let [title, text] = self.segments;
        if text.scope != 0 && occurrence.from >= text.from {
            text
        } else {
            title
        }
    }

    /// Whether occurrence `at` counts for a posting: field, edges, and no cancelling context, of which there are `guards`.
    pub(super) fn counts<'g>(
        &self,
        at: usize,
        posting: HotPosting,
        guards: impl FnOnce() -> &'g [Guard],
    ) -> bool {
        let occurrence = &self.occurrences[at];
        let segment = self.segment(occurrence);
        posting.scope & segment.scope != 0
            && (posting.edges == 0 || self.bounded(occurrence, segment, posting.edges))
            && !(posting.traits & HotPosting::GUARDED != 0 && self.cancelled(at, segment, guards()))
    }

    fn bounded(&self, occurrence: &Occurrence, segment: Segment, edges: u8) -> bool {
        let (first, last) = (occurrence.from == segment.from, occurrence.to == segment.to);
        let left =
            edges & edge::LEFT == 0 || first || !word(self.symbols[occurrence.from as usize - 1]);
        let right = edges & edge::RIGHT == 0 || last || !word(self.symbols[occurrence.to as usize]);
        left && right && (edges & edge::START == 0 || first) && (edges & edge::END == 0 || last)
    }

    fn cancelled(&self, at: usize, segment: Segment, guards: &[Guard]) -> bool {
        if !guards.iter().any(|guard| self.seen.may_have(guard.pattern)) {
            return false;
        }
        let it = self.occurrences[at];
        let cancels = |other: &Occurrence| {
            guards
                .iter()
                .filter(|g| g.pattern == other.pattern)
                .any(|guard| {
                    if guard.around {
                        other.from <= it.from && it.to <= other.to
                    } else {
                        self.gap(it, *other).is_some_and(|gap| gap <= UNLESS_WITHIN)
                    }
                })
        };
        let inside = |other: &&Occurrence| segment.from <= other.from && other.to <= segment.to;
        let before = self.occurrences[..at]
            .iter()
            .rev()
            .take_while(|o| o.from + CONTEXT >= it.from);
        // With itself: a term that is its own context never counts.
        let after = self.occurrences[at..]
            .iter()
            .take_while(|o| o.from <= it.to + CONTEXT);
        before.filter(inside).any(cancels) || after.filter(inside).any(cancels)
    }

    /// Units between two occurrences of one field: CJK characters and words; 0 when they touch or overlap, None across fields.
    pub(super) fn gap(&self, a: Occurrence, b: Occurrence) -> Option<u32> {
        if self.segment(&a).scope != self.segment(&b).scope {
            return None;
        }
        let (first, second) = if a.from <= b.from { (a, b) } else { (b, a) };
        if second.from <= first.to {
            return Some(0);
        }
        let between = &self.symbols[first.to as usize..second.from as usize];
        let (words, alone) = (&**WORD, &**UNIT);
        let (mut units, mut in_word) = (0, false);
        for symbol in between {
            let word = has(words, *symbol);
            // The second half of a surrogate pair is no unit of its own.
            let alone = !word && has(alone, *symbol);
            units += u32::from(alone || (word && !in_word));
            in_word = word;
        }
        Some(units)
    }

    /// The normalised text of a field.
    pub(super) fn normalised(&self, scope: u8) -> Option<String> {
        let segment = self.segments.iter().find(|s| s.scope == scope)?;
        Some(to_text(
            &self.symbols[segment.from as usize..segment.to as usize],
        ))
    }
}

/// Whether a symbol outside of words counts as a unit: letters and digits of the other scripts, and pairs once; not spaces or marks.
fn is_unit(symbol: u16) -> bool {
    match char::from_u32(u32::from(symbol)) {
        Some(c) => c.is_alphanumeric(),
        None => symbol < 0xDC00,
    }
}
