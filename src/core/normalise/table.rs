//! The table of the Basic Multilingual Plane, and the library path that it is made from.

use std::sync::LazyLock;

use caseless::Caseless;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Entries at or above this, below 0xE000, are no symbol but say what to do; surrogates are no scalar, so that none is lost.
pub(super) const REMOVED: u16 = 0xD800;
/// The character may combine with the one before it: the library decides.
pub(super) const JOINS: u16 = 0xD801;
/// The character becomes several symbols, found in [`Table::many`].
pub(super) const MANY: u16 = 0xD802;

/// Whether an entry is one of the above.
#[inline]
pub(super) fn is_special(entry: u16) -> bool {
    entry & 0xF800 == 0xD800
}

/// Symbol, or what to do, of every BMP code point.
pub(super) struct Table {
    entries: Box<[u16; 0x1_0000]>,
    many: Vec<(u16, Vec<u16>)>,
}

impl Table {
    #[inline]
    pub(super) fn entry(&self, code: u16) -> u16 {
        self.entries[usize::from(code)]
    }

    pub(super) fn many(&self, code: u16) -> &[u16] {
        match self.many.binary_search_by_key(&code, |(c, _)| *c) {
            Ok(index) => &self.many[index].1,
            Err(_) => &[],
        }
    }
}

/// The table: the same for every rule set.
pub(super) static TABLE: LazyLock<Table> = LazyLock::new(build);

/// Traditional characters and their simplified forms, sorted; see `data/NOTICE`.
static SIMPLIFIED: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let mut pairs = Vec::new();
    let mut chars = include_str!("data/t2s.txt").chars().filter(|c| *c != '\n');
    while let (Some(traditional), Some(simple)) = (chars.next(), chars.next()) {
        pairs.push((traditional, simple));
    }
    pairs
});

/// The simplified form of a character, itself when it has none.
pub fn simplified(c: char) -> char {
    match SIMPLIFIED.binary_search_by_key(&c, |(traditional, _)| *traditional) {
        Ok(index) => SIMPLIFIED[index].1,
        Err(_) => c,
    }
}

/// Characters without width or meaning of their own: joiners, marks of direction, variation selectors, the byte order mark.
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{1bca0}'..='\u{1bca3}' | '\u{e0000}'..='\u{e0fff}')
}

/// The definition of the normal form: compatibility caseless folding of Unicode (D146, composed), then ignorable characters out,
/// then simplified.
pub fn oracle(text: &str) -> String {
    let once: String = text.chars().nfd().default_case_fold().nfkc().collect();
    let twice = once.chars().default_case_fold().nfkc();
    twice
        .filter(|c| !is_ignorable(*c))
        .map(simplified)
        .collect()
}

/// Whether `c` may combine with what stands before it, so that it cannot be normalised alone.
pub(super) fn joins(c: char) -> bool {
    let joining = |c: char| {
        canonical_combining_class(c) != 0 || is_nfc_quick(std::iter::once(c)) == IsNormalized::Maybe
    };
    joining(c) || std::iter::once(c).nfkd().next().is_some_and(joining)
}

fn build() -> Table {
    let mut entries = vec![0u16; 0x1_0000];
    let mut many = Vec::new();
    let (mut text, mut symbols) = ([0u8; 4], Vec::new());
    for code in 0..=0xFFFFu16 {
        // Surrogates are no scalars and do not occur in text.
        let Some(c) = char::from_u32(u32::from(code)) else {
            continue;
        };
        entries[usize::from(code)] = if matches!(code, 0x3400..=0x9FFF) {
            // Unified ideographs: only the simplified form matters. (A shortcut worth most of the building time.)
            simplified(c) as u16
        } else if joins(c) {
            JOINS
        } else {
            symbols.clear();
            symbols.extend(oracle(c.encode_utf8(&mut text)).encode_utf16());
            match symbols.as_slice() {
                [] => REMOVED,
                [one] => *one,
                _ => {
                    many.push((code, symbols.clone()));
                    MANY
                }
            }
        };
    }
    let entries = entries
        .into_boxed_slice()
        .try_into()
        .unwrap_or_else(|_| Box::new([0; 0x1_0000]));
    Table { entries, many }
}
