//! Masking: telephone numbers, e-mail addresses, identity numbers and handles become `•`, one code point for one.
//!
//! Invariant: after [`mask`] none of these is left in the text, whatever the script or width of its characters, and the
//! number of code points is what it was. Where a number could be either, the rule is: privacy first for anything that has
//! the shape of a number people are reached or identified by, and hands off quantities, dates, coordinates, road numbers,
//! short codes (`110`, `12345`) and Unix times. The golden list under `tests/golden/mask.txt` is the specification.

mod at;
mod digits;
mod glance;
mod group;
mod links;
mod scan;
mod script;
mod shapes;

use std::borrow::Cow;

use scan::Reasons;

/// What a masked character becomes.
pub const MASK: char = '•';

/// Looks at a text before all that could be part of a number is masked.
const MOST_PASSES: usize = 8;

/// Masks `text`; borrowed when there was nothing to mask. What it returns has nothing left to mask.
///
/// Clean text costs one vectorised pass over its bytes; only an `@` or seven digits close together lead to more. What stands
/// beside a number may be one itself once that is gone, so that a masked text is looked at again; one that is made for
/// that, link by link, loses its digits and signs after [`MOST_PASSES`].
pub fn mask(text: Cow<'_, str>) -> Cow<'_, str> {
    let mut text = text;
    for _ in 0..MOST_PASSES {
        let reasons = scan::reasons(&text);
        if reasons.is_clean() {
            return text;
        }
        let spans = spans(&text, reasons);
        if spans.is_empty() {
            return text;
        }
        text = Cow::Owned(replace(&text, &spans));
    }
    Cow::Owned(
        text.chars()
            .map(|c| if tells(c) { MASK } else { c })
            .collect(),
    )
}

/// Whether a character can be what a number, an address, a handle or a page is known by.
fn tells(c: char) -> bool {
    at::tells(c) || c == '/' || script::value_of(c).is_some()
}

/// Whether [`mask`] would change `text`.
pub fn is_masked_by(text: &str) -> bool {
    let reasons = scan::reasons(text);
    !reasons.is_clean() && !spans(text, reasons).is_empty()
}

/// Byte ranges to mask, sorted, without overlap.
fn spans(text: &str, reasons: Reasons) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    if reasons.signs {
        at::find(text, &mut found);
    }
    links::find(text, &mut found);
    if reasons.digits {
        digits::find(text, &mut found);
    }
    found.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::with_capacity(found.len());
    for (start, end) in found {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

fn replace(text: &str, spans: &[(usize, usize)]) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut copied = 0;
    for &(start, end) in spans {
        out.push_str(&text[copied..start]);
        out.extend(text[start..end].chars().map(|_| MASK));
        copied = end;
    }
    out.push_str(&text[copied..]);
    out
}
