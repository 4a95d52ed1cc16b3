//! Words of alphabetic text, folded: the form in which names are looked up.
//!
//! Invariant: [`fold`] of a name and the words of a text that spells it differ in nothing but the spaces between words.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Words looked at in one text; the rest cannot name its place.
const MAX_WORDS: usize = 2048;

/// A word of a text.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks, each read by itself"
)]
pub(super) struct Word {
    /// Byte range in the text.
    pub start: u32,
    pub end: u32,
    /// Byte range in [`Words::folded`].
    pub from: u32,
    pub to: u32,
    /// First letter upper case.
    pub capital: bool,
    /// Upper case throughout, two letters or more.
    pub shouted: bool,
    /// `#` stands before it.
    pub hashtag: bool,
    /// First of a sentence, of a line or of the text.
    pub opens: bool,
}

/// The words of a text.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Folded words, one space between two.
    pub folded: String,
    pub words: Vec<Word>,
}

impl Words {
    /// Splits and folds `text`. A word is a run of letters and digits of an alphabetic script, with apostrophes and full
    /// stops inside of it (`St. John's`, `U.S.`).
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut words = Self::default();
        let (mut hashtag, mut opens) = (false, true);
        let mut start = 0;
        while let Some(&byte) = bytes.get(start) {
            // Most characters are told by their first byte; U+3000 and above hold no letter, and E3 to EE begin none below.
            let (first, length) = match byte {
                0..0x80 => (char::from(byte), 1),
                0xE3..=0xEE => ('\u{3000}', 3),
                _ => match text[start..].chars().next() {
                    Some(c) => (c, c.len_utf8()),
                    None => break,
                },
            };
            if !is_letter(first) {
                opens |= matches!(first, '.' | '!' | '?' | '\n' | ':' | ';' | '"' | '“' | '|');
                hashtag = first == '#';
                start += length;
                continue;
            }
            let end = word_end(text, start + length);
            words.push(without_ending(&text[start..end]), start, hashtag, opens);
            if words.words.len() >= MAX_WORDS {
                break;
            }
            (hashtag, opens) = (false, false);
            start = end;
        }
        words
    }

    fn push(&mut self, word: &str, start: usize, hashtag: bool, opens: bool) {
        if !self.folded.is_empty() {
            self.folded.push(' ');
        }
        let from = self.folded.len();
        fold_into(word, &mut self.folded);
        self.words.push(Word {
            start: start as u32,
            end: (start + word.len()) as u32,
            from: from as u32,
            to: self.folded.len() as u32,
            capital: word.chars().next().is_some_and(char::is_uppercase),
            shouted: is_shouted(word),
            hashtag,
            opens,
        });
    }
}

/// The end of the word whose letters reach to byte `at` at least.
fn word_end(text: &str, mut at: usize) -> usize {
    let letter_at = |at: usize| match text.as_bytes().get(at) {
        Some(byte @ 0..0x80) => byte.is_ascii_alphanumeric(),
        Some(_) => text[at..].chars().next().is_some_and(is_letter),
        None => false,
    };
    while let Some(&byte) = text.as_bytes().get(at) {
        if byte.is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        let Some(c) = text[at..].chars().next() else {
            break;
        };
        let next = at + c.len_utf8();
        let inside = matches!(c, '\'' | '’' | '.') && letter_at(next);
        if !inside && (byte < 0x80 || !is_letter(c)) {
            break;
        }
        at = next;
    }
    at
}

/// "Queensland's" is Queensland; in names the ending goes as well, so that "St. John's" stays itself.
fn without_ending(word: &str) -> &str {
    if !word.ends_with(['s', 'S']) {
        return word;
    }
    ["'s", "’s", "'S", "’S"]
        .iter()
        .find_map(|ending| word.strip_suffix(ending))
        .unwrap_or(word)
}

/// Upper case throughout, two letters or more.
fn is_shouted(word: &str) -> bool {
    if word.is_ascii() {
        let upper = |byte: u8| byte.is_ascii_uppercase();
        let lower = word.bytes().any(|byte| byte.is_ascii_lowercase());
        return !lower && word.bytes().filter(|byte| upper(*byte)).count() >= 2;
    }
    let mut letters = word.chars().filter(|c| c.is_alphabetic());
    letters.clone().count() >= 2 && letters.all(char::is_uppercase)
}

/// Letters and digits of alphabetic scripts; Han, kana and Hangul are not split into words.
fn is_letter(c: char) -> bool {
    match c {
        '\0'..='\x7f' => c.is_ascii_alphanumeric(),
        '\u{80}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => c.is_alphabetic(),
        '\u{250}'..='\u{2fff}' => c.is_alphanumeric() || is_combining_mark(c),
        _ => false,
    }
}

/// The words of a name, folded, one space between two.
pub(super) fn fold(name: &str) -> String {
    Words::of(name).folded
}

/// Lower case, without marks, apostrophes and a few letters' strokes.
fn fold_into(word: &str, out: &mut String) {
    if word.is_ascii() {
        let from = out.len();
        for part in word.split('\'') {
            out.push_str(part);
        }
        out[from..].make_ascii_lowercase();
        return;
    }
    for c in word.nfd().filter(|c| !is_combining_mark(*c)) {
        match c {
            '\'' | '’' | 'ʻ' | 'ʼ' => {}
            'ß' => out.push_str("ss"),
            'æ' | 'Æ' => out.push_str("ae"),
            'œ' | 'Œ' => out.push_str("oe"),
            'ø' | 'Ø' => out.push('o'),
            'ł' | 'Ł' => out.push('l'),
            'đ' | 'Đ' | 'ð' | 'Ð' => out.push('d'),
            'ı' => out.push('i'),
            _ => out.extend(c.to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_spellings_of_one_name_alike() {
        for (name, folded) in [
            ("Āzādshahr", "azadshahr"),
            ("São Paulo", "sao paulo"),
            ("Port-au-Prince", "port au prince"),
            ("St. John's", "st john"),
            ("St. John’s", "st john"),
            ("Queensland's", "queensland"),
            ("U.S.", "u.s"),
            ("Łódź", "lodz"),
            ("NEW  YORK", "new york"),
        ] {
            assert_eq!(fold(name), folded);
        }
    }

    #[test]
    fn marks_of_words() {
        let words = Words::of("Fire in #boston. MA, 芦山 x");
        let marks: Vec<_> = words
            .words
            .iter()
            .map(|w| (w.capital, w.shouted, w.hashtag, w.opens))
            .collect();
        assert_eq!(
            marks,
            [
                (true, false, false, true),
                (false, false, false, false),
                (false, false, true, false),
                (true, true, false, true),
                (false, false, false, false),
            ]
        );
        assert_eq!(words.folded, "fire in boston ma x");
    }
}
