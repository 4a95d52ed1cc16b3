//! From symbols back to code points of the masked text, for texts that were hit.

use super::scan::{is_joining, length_alone};
use super::table::oracle;

/// An end of a span to find: the symbol that is there, and which end of which span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    symbol: u32,
    span: u32,
    stop: bool,
}

/// Spans of symbols → spans of code points (both half-open) in `text`, in the order given.
///
/// A span covers every character that any of its symbols came from; an empty or foreign span becomes the end of the text.
pub fn map_spans(text: &str, spans: &[[u32; 2]]) -> Vec<[u32; 2]> {
    let mut wanted = Vec::with_capacity(2 * spans.len());
    let mut found = vec![[u32::MAX; 2]; spans.len()];
    for (span, [start, end]) in (0..).zip(spans) {
        if start < end {
            let end_at = |symbol, stop| Wanted { symbol, span, stop };
            wanted.extend([end_at(*start, false), end_at(*end - 1, true)]);
        }
    }
    wanted.sort_unstable();
    walk(text, &wanted, &mut found);
    if found.iter().any(|span| span[1] == u32::MAX) {
        let length = text.chars().count() as u32;
        for span in found.iter_mut().filter(|span| span[1] == u32::MAX) {
            *span = [length, length];
        }
    }
    found
}

/// Goes through `text` as far as the last symbol that is wanted; `wanted` is sorted.
fn walk(text: &str, wanted: &[Wanted], found: &mut [[u32; 2]]) {
    let mut wanted = wanted.iter().peekable();
    let (mut at, mut symbol, mut point) = (0, 0_u32, 0_u32);
    while let Some(next) = wanted.peek() {
        let plain = plain(&text.as_bytes()[at..], next.symbol - symbol);
        (at, symbol, point) = (
            at + plain.bytes,
            symbol + plain.characters,
            point + plain.characters,
        );
        let segment = segment(text, at);
        if segment.bytes == 0 {
            return;
        }
        at += segment.bytes;
        let (from, until) = (point, point + segment.characters);
        point = until;
        symbol += segment.symbols;
        while let Some(end) = wanted.next_if(|end| end.symbol < symbol) {
            let span = &mut found[end.span as usize];
            if end.stop {
                span[1] = until;
            } else {
                span[0] = from;
            }
        }
    }
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    bytes: usize,
    characters: u32,
    symbols: u32,
}

/// At most `most` characters of which each is one symbol by itself.
fn plain(bytes: &[u8], most: u32) -> Piece {
    // ASCII, and U+5000 to U+8FFF: no such character joins the one before it.
    let length = |at: usize| match bytes.get(at) {
        Some(0..0x80) => 1,
        Some(0xE5..=0xE8) => 3,
        _ => 0,
    };
    let (mut piece, mut last) = (Piece::default(), 0);
    while piece.characters < most {
        let next = length(piece.bytes);
        if next == 0 {
            break;
        }
        piece.bytes += next;
        piece.characters += 1;
        last = next;
    }
    if last > 0 && length(piece.bytes) == 0 {
        // What follows may join the last one.
        piece.bytes -= last;
        piece.characters -= 1;
    }
    piece
}

/// The character at byte `at` with those that join it.
fn segment(text: &str, at: usize) -> Piece {
    let mut chars = text[at..].chars();
    let Some(first) = chars.next() else {
        return Piece::default();
    };
    let mut piece = Piece {
        bytes: first.len_utf8(),
        characters: 1,
        symbols: 0,
    };
    for joining in chars.take_while(|c| is_joining(*c)) {
        piece.bytes += joining.len_utf8();
        piece.characters += 1;
    }
    let alone = (piece.characters == 1)
        .then(|| length_alone(first))
        .flatten();
    piece.symbols = alone.unwrap_or_else(|| {
        let whole = oracle(&text[at..at + piece.bytes]);
        whole.encode_utf16().count() as u32
    });
    piece
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::normalise::normalise;
    use proptest::prelude::*;

    #[test]
    fn spans_point_at_the_characters() {
        let text = "a㎏\u{200b}火e\u{301}灾x";
        // normalised: a k g 火 é 灾 x
        assert_eq!(map_spans(text, &[[3, 4]]), [[3, 4]]);
        assert_eq!(map_spans(text, &[[2, 3]]), [[1, 2]]);
        assert_eq!(map_spans(text, &[[3, 6]]), [[3, 7]]);
        assert_eq!(map_spans(text, &[[4, 5], [6, 7]]), [[4, 6], [7, 8]]);
        assert_eq!(map_spans(text, &[[7, 9], [2, 2]]), [[8, 8], [8, 8]]);
    }

    /// What every symbol came from, worked out segment by segment.
    fn by_segments(text: &str, spans: &[[u32; 2]]) -> Vec<[u32; 2]> {
        let (mut starts, mut ends, mut point) = (Vec::new(), Vec::new(), 0);
        let chars: Vec<char> = text.chars().collect();
        while point < chars.len() {
            let joined = chars[point + 1..].iter().take_while(|c| is_joining(**c));
            let until = point + 1 + joined.count();
            let segment: String = chars[point..until].iter().collect();
            for _ in oracle(&segment).encode_utf16() {
                starts.push(point as u32);
                ends.push(until as u32);
            }
            point = until;
        }
        let of = |span: &[u32; 2]| {
            let [start, end] = span.map(|at| at as usize);
            if start < end && end <= ends.len() {
                [starts[start], ends[end - 1]]
            } else {
                [chars.len() as u32; 2]
            }
        };
        spans.iter().map(of).collect()
    }

    proptest! {
        #[test]
        fn spans_are_those_of_their_segments(
            text in "([ -~]{0,9}|[一-龥]{0,5}|[，。“”！㎏①ⅷﬁＡ-Ｚ]{0,3}|[\u{300}-\u{310}\u{200b}\u{ff9e}]{0,2}|[🔥é가각]{0,2}|\\PC{0,2}){0,6}",
            spans in proptest::collection::vec([0u32..60, 0u32..60], 0..9),
        ) {
            prop_assert_eq!(map_spans(&text, &spans), by_segments(&text, &spans));
        }

        #[test]
        fn a_span_normalises_to_what_contains_its_symbols(text in "[ -~]{0,9}[一-龥Ａ-Ｚ㎏①\u{300}-\u{310}\u{200b}火]{0,12}\\PC{0,5}", a in 0usize..30, b in 0usize..30) {
            let symbols: Vec<u16> = normalise(&text).encode_utf16().collect();
            let (a, b) = (a.min(b), a.max(b));
            prop_assume!(a < b && b <= symbols.len());
            let [from, to] = map_spans(&text, &[[a as u32, b as u32]])[0];
            let part: String = text.chars().skip(from as usize).take((to - from) as usize).collect();
            let found: Vec<u16> = normalise(&part).encode_utf16().collect();
            prop_assert!(found.windows(b - a).any(|w| w == &symbols[a..b]), "{:?} in {:?}", &symbols[a..b], part);
        }
    }
}
