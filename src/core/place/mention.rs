//! Mentions: where a text names places, and how it names them.
//!
//! Invariant: a mention is only a possibility; which entry is meant, and whether any is, decides `choose`. Streets, papers,
//! universities and people that carry a place's name are no mention of it.

mod beside;

use beside::{
    DIVISION_ENDINGS, DIVISION_WORDS, NOT_A_PLACE_AFTER, NOT_A_PLACE_AFTER_HAN, NOT_A_PLACE_BEFORE,
    STREETS, WEAK_AFTER_HAN, WEAK_BEFORE_HAN,
};

use super::names::{MAX_NAME_WORDS, Names, Posting, has_han};
use super::words::{Word, Words};
use crate::core::normalise::normalise;

/// Mentions kept of one report, in reading order.
pub(super) const MAX_MENTIONS: usize = 64;

/// Bytes of one field that are read; a place that matters is named before.
const MAX_FIELD_BYTES: usize = 32 << 10;

/// Part of a report, by how much it says about the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Name,
    Title,
    Text,
}

/// One name in a text.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks, each read by itself"
)]
pub(super) struct Mention {
    pub field: Field,
    /// First byte; in the normalised text for Chinese.
    pub start: usize,
    pub posting: Posting,
    pub han: bool,
    /// Only separators stand between the mention before and this one.
    pub joined: bool,
    /// A dateline, a destination, an origin: named, but not where it happens.
    pub weak: bool,
    /// Written as a name: capital, or in a script without capitals.
    pub capital: bool,
    /// `#boston`.
    pub hashtag: bool,
    /// The capital says nothing: it opens a sentence, or the text is in capitals.
    pub capital_moot: bool,
    /// There is no other word in the field.
    pub whole: bool,
    /// A capitalised word that is no place stands right beside it.
    pub in_longer_name: bool,
}

/// Appends the mentions in `text`; `normal` is its normal form, where that is known.
pub(super) fn find(
    names: &Names,
    field: Field,
    text: &str,
    normal: Option<&str>,
    out: &mut Vec<Mention>,
) {
    let whole = text;
    let text = head(whole);
    if text.is_empty() {
        return;
    }
    if has_han(text) {
        match normal.filter(|_| text.len() == whole.len()) {
            Some(normal) => find_han(names, field, normal, out),
            None => find_han(names, field, &normalise(text), out),
        }
    }
    if text.bytes().any(|b| b.is_ascii_alphabetic()) {
        find_latin(names, field, text, out);
    }
}

/// At most [`MAX_FIELD_BYTES`] of a text.
fn head(text: &str) -> &str {
    let mut end = text.len().min(MAX_FIELD_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn find_latin(names: &Names, field: Field, text: &str, out: &mut Vec<Mention>) {
    let words = Words::of(text);
    let shouting = capitals_are_moot(&words.words);
    let mut last: Option<(usize, usize)> = None;
    let mut i = 0;
    while i < words.words.len() && out.len() < MAX_MENTIONS {
        let Some((length, posting)) = longest(names, text, &words, i) else {
            i += 1;
            continue;
        };
        let mut end = i + length;
        let joined =
            last.is_some_and(|(_, before)| before == i && is_join(gap(text, &words.words, i)));
        // "Aguanga, CA": a stated place may be too small to be known, its state is not.
        let stated = field == Field::Name
            && words.words[i].shouted
            && gap(text, &words.words, i).starts_with(',');
        let lonely = posting.after_only() && !joined && !stated;
        if lonely || is_something_else(text, &words, i, end) {
            i += 1;
            continue;
        }
        if follows(text, &words, end, &DIVISION_WORDS) {
            end += 1;
        }
        let (first, final_) = (words.words[i], words.words[i + length - 1]);
        let after_mention = last.is_some_and(|(_, before)| before == i);
        out.push(Mention {
            field,
            start: first.start as usize,
            posting,
            han: false,
            joined,
            weak: false,
            capital: first.capital && final_.capital,
            hashtag: first.hashtag,
            capital_moot: shouting || first.opens,
            whole: i == 0 && end == words.words.len(),
            in_longer_name: !shouting && in_longer_name(text, &words.words, i, end, after_mention),
        });
        last = Some((i, end));
        i = end;
    }
}

/// The longest name that begins with word `i`: its words and its entries.
fn longest(names: &Names, text: &str, words: &Words, i: usize) -> Option<(usize, Posting)> {
    let word = words.words[i];
    let most = names.longest_from(folded(words, word)).min(MAX_NAME_WORDS);
    let most = most.min(words.words.len() - i);
    let run = (1..most)
        .take_while(|n| is_space(gap(text, &words.words, i + n)))
        .count();
    (1..=most.min(run + 1)).rev().find_map(|n| {
        let last = words.words[i + n - 1];
        let name = &words.folded[word.from as usize..last.to as usize];
        names.latin(name).map(|posting| (n, posting))
    })
}

fn folded(words: &Words, word: Word) -> &str {
    &words.folded[word.from as usize..word.to as usize]
}

/// What stands before word `i`, from the end of the word before it.
fn gap<'t>(text: &'t str, words: &[Word], i: usize) -> &'t str {
    let from = if i == 0 { 0 } else { words[i - 1].end as usize };
    &text[from..words[i].start as usize]
}

/// A gap inside of a name.
fn is_space(gap: &str) -> bool {
    matches!(gap, " " | "-" | ". " | "  " | ".")
}

/// A gap between a place and the place that holds it.
fn is_join(gap: &str) -> bool {
    gap.len() <= 4
        && gap
            .chars()
            .all(|c| matches!(c, ' ' | ',' | '-' | '(' | '/' | '#' | '.'))
}

/// Capitals mark no name where most words have one, or where there is none at all.
fn capitals_are_moot(words: &[Word]) -> bool {
    let capitals = words.iter().filter(|word| word.capital).count();
    words.len() >= 4 && capitals * 10 >= words.len() * 7
}

fn follows(text: &str, words: &Words, end: usize, list: &[&str]) -> bool {
    words.words.get(end).is_some_and(|&word| {
        (word.capital || STREETS.contains(&folded(words, word)))
            && is_space(gap(text, &words.words, end))
            && list.contains(&folded(words, word))
    })
}

/// Streets, papers, people: see the two lists.
fn is_something_else(text: &str, words: &Words, i: usize, end: usize) -> bool {
    // "CT" is Connecticut, "Ct" a court.
    let state = words
        .words
        .get(end)
        .is_some_and(|word| word.shouted && word.to - word.from == 2);
    let after = follows(text, words, end, &NOT_A_PLACE_AFTER) && (!state || words.words[i].shouted);
    let before = i > 0 && is_space(gap(text, &words.words, i)) && {
        let word = words.words[i - 1];
        word.capital && NOT_A_PLACE_BEFORE.contains(&folded(words, word))
    };
    after || before
}

/// Whether a capitalised word stands right beside words `i..end`: "Michael Jackson", "Jackson Pollock".
fn in_longer_name(text: &str, words: &[Word], i: usize, end: usize, after_mention: bool) -> bool {
    let before = i > 0
        && !after_mention
        && is_space(gap(text, words, i))
        && words[i - 1].capital
        && !words[i - 1].opens;
    let after = words
        .get(end)
        .is_some_and(|word| word.capital && !word.shouted && is_space(gap(text, words, end)));
    before || after
}

fn find_han(names: &Names, field: Field, text: &str, out: &mut Vec<Mention>) {
    let mut last_end = None;
    for (start, found_end, posting) in names.han(text) {
        if out.len() >= MAX_MENTIONS {
            return;
        }
        let complete = posting.chars >= 3 && text[..found_end].ends_with(DIVISION_ENDINGS);
        let rest = &text[found_end..];
        if !complete && begins_with_any(rest, &NOT_A_PLACE_AFTER_HAN) {
            continue;
        }
        let before = &text[..start];
        let weak = is_dateline(rest)
            || begins_with_any(rest, &WEAK_AFTER_HAN)
            || WEAK_BEFORE_HAN.iter().any(|word| before.ends_with(word));
        let end = if complete {
            found_end
        } else {
            found_end + division_ending(rest)
        };
        out.push(Mention {
            field,
            start,
            posting,
            han: true,
            // The name before may reach into this one; then nothing joins them.
            joined: last_end.is_some_and(|end| text.get(end..start).is_some_and(is_han_join)),
            weak,
            capital: true,
            hashtag: false,
            capital_moot: false,
            whole: start == 0 && end == text.len(),
            in_longer_name: false,
        });
        last_end = Some(end.min(text.len()));
    }
}

fn begins_with_any(text: &str, list: &[&str]) -> bool {
    list.iter().any(|word| text.starts_with(word))
}

/// Bytes of the division word after a short name: 温岭|市.
fn division_ending(rest: &str) -> usize {
    let mut chars = rest.chars();
    match (chars.next(), chars.next()) {
        (Some('市'), Some('场' | '民' | '长' | '委')) => 0,
        (Some(c @ ('省' | '市' | '区' | '县' | '州')), _) => c.len_utf8(),
        _ => 0,
    }
}

/// 北京4月20日电, 成都讯: where the report was filed, not where it happened.
fn is_dateline(rest: &str) -> bool {
    let date = |c: char| c.is_ascii_digit() || matches!(c, '年' | '月' | '日' | ' ' | '(' | ')');
    let after = rest.trim_start_matches(date);
    rest.len() - after.len() <= 24 && (after.starts_with('电') || after.starts_with('讯')) && {
        // 停电 and 通讯 are words of their own; 电 right after a place is a dateline only at the end of a phrase.
        let next = after.chars().nth(1);
        rest.len() > after.len() || matches!(next, None | Some(' ' | '(' | ':' | ',' | '。' | '-'))
    }
}

fn is_han_join(gap: &str) -> bool {
    gap.len() <= 3
        && gap
            .chars()
            .all(|c| matches!(c, '的' | ',' | '、' | ' ' | '(' | '·'))
}
