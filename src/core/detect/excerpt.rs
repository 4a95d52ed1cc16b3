//! The part of a text that is kept: the stretch with the most matches.

/// Code points shown before the first match.
const LEAD: u32 = 60;

/// A stretch of `text` of at most `limit` code points, and the code point at which it starts.
///
/// `spans` are sorted code point ranges; the stretch has as many of them whole as one can, the earliest such.
pub(super) fn excerpt<'t>(text: &'t str, spans: &[[u32; 2]], limit: u32) -> (&'t str, u32) {
    // A code point has at least one byte, so that short texts need no counting.
    let length = if text.len() <= limit as usize {
        0
    } else {
        text.chars().count() as u32
    };
    if length <= limit {
        return (text, 0);
    }
    let lead = LEAD.min(limit / 4);
    let within = |start: u32| {
        spans
            .iter()
            .filter(|[from, to]| start <= *from && *to <= start + limit)
            .count()
    };
    let start = spans
        .iter()
        .map(|[from, _]| from.saturating_sub(lead).min(length - limit))
        .max_by(|a, b| within(*a).cmp(&within(*b)).then(b.cmp(a)))
        .unwrap_or(0);
    (slice(text, start, start + limit), start)
}

/// The code points `from..to` of `text`.
pub(super) fn slice(text: &str, from: u32, to: u32) -> &str {
    let byte = |point: u32| {
        text.char_indices()
            .nth(point as usize)
            .map_or(text.len(), |(at, _)| at)
    };
    &text[byte(from)..byte(to)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_whole() {
        assert_eq!(excerpt("火灾 fire", &[[0, 2]], 7), ("火灾 fire", 0));
        assert_eq!(excerpt("", &[], 7), ("", 0));
    }

    #[test]
    fn the_stretch_with_most_matches_is_kept() {
        let text: String = ('a'..='z').cycle().take(1_000).collect();
        let (kept, start) = excerpt(&text, &[[10, 12], [700, 702], [710, 714]], 100);
        assert_eq!((kept.len(), start), (100, 675));
        assert_eq!(excerpt(&text, &[[998, 1_000]], 100).1, 900);
        assert_eq!(excerpt(&text, &[], 100).1, 0);
        assert_eq!(
            excerpt(&"火".repeat(500), &[[450, 452]], 400)
                .0
                .chars()
                .count(),
            400
        );
    }
}
