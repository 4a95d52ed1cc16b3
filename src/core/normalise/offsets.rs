//! From symbols back to code points of the masked text, for texts that were hit.

use super::scan::is_joining;
use super::table::oracle;

/// Spans of symbols → spans of code points (both half-open) in `text`, in the order given.
///
/// A span covers every character that any of its symbols came from; an empty or foreign span becomes the end of the text.
pub fn map_spans(text: &str, spans: &[[u32; 2]]) -> Vec<[u32; 2]> {
    let (starts, ends, length) = origins(text);
    let last = |at: u32| starts.get(at as usize).copied().unwrap_or(length);
    spans
        .iter()
        .map(
            |[start, end]| match ends.get((*end as usize).wrapping_sub(1)) {
                Some(stop) if start < end => [last(*start), *stop],
                _ => [length, length],
            },
        )
        .collect()
}

/// For every symbol, the half-open range of code points it came from; and the text's length in code points.
fn origins(text: &str) -> (Vec<u32>, Vec<u32>, u32) {
    let (mut starts, mut ends) = (
        Vec::with_capacity(text.len()),
        Vec::with_capacity(text.len()),
    );
    let mut chars = text.char_indices().peekable();
    let mut point = 0u32;
    while let Some((at, c)) = chars.next() {
        let from = point;
        point += 1;
        let mut until = at + c.len_utf8();
        while let Some((next, joining)) = chars.next_if(|(_, c)| is_joining(*c)) {
            until = next + joining.len_utf8();
            point += 1;
        }
        let segment = &text[at..until];
        let symbols = if segment.is_ascii() {
            1
        } else {
            symbols(segment)
        };
        starts.extend(std::iter::repeat_n(from, symbols));
        ends.extend(std::iter::repeat_n(point, symbols));
    }
    (starts, ends, point)
}

/// Symbols of one segment.
fn symbols(segment: &str) -> usize {
    let mut chars = segment.chars();
    match (chars.next(), chars.next()) {
        (Some('\u{4e00}'..='\u{9fff}'), None) => 1,
        _ => oracle(segment).encode_utf16().count(),
    }
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

    proptest! {
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
