//! The one pass from UTF-8 to symbols.

use super::table::{JOINS, MANY, REMOVED, TABLE, is_special, joins, oracle};

/// The normalised text of `text`.
pub fn normalise(text: &str) -> String {
    let mut symbols = Vec::new();
    normalise_into(text, &mut symbols);
    to_text(&symbols)
}

/// The text of symbols; a half of a surrogate pair, which normalised text does not have, becomes U+FFFD.
pub fn to_text(symbols: &[u16]) -> String {
    const STEP: usize = 8;
    let mut text = String::with_capacity(symbols.len() * 3);
    let mut rest = symbols;
    while !rest.is_empty() {
        while let Some(chunk) = rest.first_chunk::<STEP>()
            && chunk.iter().fold(0, |any, symbol| any | symbol) < 0x80
        {
            let mut bytes = [0; STEP];
            for (byte, symbol) in bytes.iter_mut().zip(chunk) {
                *byte = *symbol as u8;
            }
            text.push_str(std::str::from_utf8(&bytes).unwrap_or_default());
            rest = &rest[STEP..];
        }
        let mut done = 0;
        for symbol in rest {
            let Some(c) = char::from_u32(u32::from(*symbol)) else {
                break;
            };
            text.push(c);
            done += 1;
            if done >= STEP && *symbol < 0x80 {
                break;
            }
        }
        rest = &rest[done..];
        // What is left begins with half of a pair, with a letter, or not at all.
        if rest.first().is_some_and(|symbol| symbol & 0xF800 == 0xD800) {
            let length = usize::from(rest.get(1).is_some_and(|low| low & 0xFC00 == 0xDC00)) + 1;
            let length = if rest[0] < 0xDC00 { length } else { 1 };
            text.push_str(&String::from_utf16_lossy(&rest[..length]));
            rest = &rest[length..];
        }
    }
    text
}

/// Appends the symbols of `text` to `out`. Allocates only when `out` has to grow.
pub fn normalise_into(text: &str, out: &mut Vec<u16>) {
    let table = &*TABLE;
    let bytes = text.as_bytes();
    let begin = out.len();
    // Invariant: room ≥ bytes that are left, since no byte alone makes more than one symbol; where one does, room is added.
    out.resize(begin + bytes.len(), 0);
    let mut at = 0;
    let mut to = begin;
    while at < bytes.len() {
        let done = fold_ascii(&bytes[at..], &mut out[to..]);
        at += done;
        to += done;
        while let Some(&[b0, b1, b2]) = bytes.get(at..at + 3)
            && b0 & 0xF0 == 0xE0
        {
            let code = u16::from(b0) << 12 | (u16::from(b1) & 0x3F) << 6 | (u16::from(b2) & 0x3F);
            let entry = table.entry(code);
            if is_special(entry) {
                break;
            }
            out[to] = entry;
            to += 1;
            at += 3;
        }
        if bytes.get(at).is_some_and(|b| *b >= 0x80) {
            (at, to) = one(text, at, out, to);
        }
    }
    out.truncate(to);
}

/// Folds the leading ASCII of `bytes` into UTF-16 code units in `out`, which is at least as long; how many bytes that were.
#[inline]
pub fn fold_ascii(bytes: &[u8], out: &mut [u16]) -> usize {
    const STEP: usize = 16;
    let mut done = 0;
    for (chunk, to) in bytes
        .as_chunks::<STEP>()
        .0
        .iter()
        .zip(out.as_chunks_mut::<STEP>().0)
    {
        if !chunk.is_ascii() {
            break;
        }
        for (b, symbol) in chunk.iter().zip(to) {
            *symbol = u16::from(b.to_ascii_lowercase());
        }
        done += STEP;
    }
    for (b, symbol) in bytes[done..].iter().zip(&mut out[done..]) {
        if *b >= 0x80 {
            break;
        }
        *symbol = u16::from(b.to_ascii_lowercase());
        done += 1;
    }
    done
}

/// One character outside of the fast cases, at byte `at`; where to go on in `text` and in `out`.
fn one(text: &str, at: usize, out: &mut Vec<u16>, to: usize) -> (usize, usize) {
    let rest = &text[at..];
    let Some(c) = rest.chars().next() else {
        return (text.len(), to);
    };
    let next = at + c.len_utf8();
    if let Ok(code) = u16::try_from(u32::from(c)) {
        match TABLE.entry(code) {
            REMOVED => return (next, to),
            MANY => return (next, put(TABLE.many(code), text.len() - next, out, to)),
            JOINS => return joined(text, at, out, to),
            entry => {
                out[to] = entry;
                return (next, to + 1);
            }
        }
    }
    if is_pictograph(c) {
        let mut pair = [0; 2];
        return (
            next,
            put(c.encode_utf16(&mut pair), text.len() - next, out, to),
        );
    }
    if joins(c) {
        return joined(text, at, out, to);
    }
    let symbols: Vec<u16> = oracle(&rest[..c.len_utf8()]).encode_utf16().collect();
    (next, put(&symbols, text.len() - next, out, to))
}

/// Emoji and pictographs map to themselves; they are frequent in posts.
fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{1f300}'..='\u{1faff}')
}

/// Characters that combine, from the one before `at` on: undone and done again by the library.
#[cold]
fn joined(text: &str, at: usize, out: &mut Vec<u16>, to: usize) -> (usize, usize) {
    let start = text[..at]
        .chars()
        .next_back()
        .map_or(at, |c| at - c.len_utf8());
    let length: usize = text[at..]
        .chars()
        .take_while(|c| is_joining(*c))
        .map(char::len_utf8)
        .sum();
    let next = at + length;
    let undone = oracle(&text[start..at]).encode_utf16().count();
    let symbols: Vec<u16> = oracle(&text[start..next]).encode_utf16().collect();
    (next, put(&symbols, text.len() - next, out, to - undone))
}

/// Whether a character is normalised together with the one before it.
pub(super) fn is_joining(c: char) -> bool {
    match u16::try_from(u32::from(c)) {
        Ok(code) => TABLE.entry(code) == JOINS,
        Err(_) => joins(c),
    }
}

/// Symbols of a character by itself, where that is known without the library.
pub(super) fn length_alone(c: char) -> Option<u32> {
    match u16::try_from(u32::from(c)) {
        Ok(code) => match TABLE.entry(code) {
            REMOVED => Some(0),
            MANY => Some(TABLE.many(code).len() as u32),
            JOINS => None,
            _ => Some(1),
        },
        Err(_) => is_pictograph(c).then_some(2),
    }
}

fn put(symbols: &[u16], left: usize, out: &mut Vec<u16>, to: usize) -> usize {
    let end = to + symbols.len();
    if out.len() < end + left {
        out.resize(end + left, 0);
    }
    out[to..end].copy_from_slice(symbols);
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_scalar_alone_is_as_the_library_has_it() {
        let mut buffer = [0u8; 4];
        for c in (0..=0x1_FFFFu32).filter_map(char::from_u32) {
            let text: &str = c.encode_utf8(&mut buffer);
            assert_eq!(normalise(text), oracle(text), "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn examples() {
        for (from, to) in [
            ("ＬＰＧ　Tank", "lpg tank"),
            ("煤氣爆炸，臺北", "煤气爆炸,台北"),
            ("火\u{200b}灾", "火灾"),
            ("Straße CAFE\u{301}", "strasse café"),
            ("ﾊﾞｽ㎏①", "バスkg1"),
            ("각 🔥!", "각 🔥!"),
            ("İ", "i\u{307}"),
        ] {
            assert_eq!(normalise(from), to);
        }
    }

    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[ -~]{0,40}",
            3 => "[一-龥]{1,12}",
            2 => "[\u{300}-\u{36f}\u{1100}-\u{11ff}\u{ac00}-\u{ad00}]{1,4}",
            2 => "[\u{ff01}-\u{ffee}\u{200b}-\u{200f}\u{fdf0}-\u{fdff}\u{1e00}-\u{1fff}]{1,4}",
            1 => "\\PC{1,6}",
            1 => proptest::collection::vec(any::<char>(), 1..6).prop_map(|c| c.into_iter().collect()),
        ];
        proptest::collection::vec(piece, 0..8).prop_map(|p| p.concat())
    }

    proptest! {
        #[test]
        fn symbols_are_read_as_the_library_reads_them(text in pieces(), halves in proptest::collection::vec(any::<u16>(), 0..9), at in any::<prop::sample::Index>()) {
            let mut symbols: Vec<u16> = text.encode_utf16().collect();
            let at = at.index(symbols.len() + 1);
            symbols.splice(at..at, halves);
            prop_assert_eq!(to_text(&symbols), String::from_utf16_lossy(&symbols));
        }

        #[test]
        fn any_text_is_as_the_library_has_it(text in pieces()) {
            prop_assert_eq!(normalise(&text), oracle(&text));
        }
    }
}
