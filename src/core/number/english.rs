//! English number words.
//!
//! Invariant: a value is built from whole words only; “one” inside of “no one” or “one of” is no number.

/// Most words of one number.
const MAX_WORDS: usize = 12;

fn small(word: &str) -> Option<f64> {
    const ONES: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = [
        "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    let ones = ONES.iter().position(|one| *one == word).map(|n| n as f64);
    ones.or_else(|| {
        let ten = TENS.iter().position(|ten| *ten == word)?;
        Some((ten as f64 + 2.0) * 10.0)
    })
}

/// Value of a word that multiplies: “hundreds” are at least two hundred.
fn scale(word: &str) -> Option<(f64, bool)> {
    Some(match word {
        "dozen" => (12.0, false),
        "score" => (20.0, false),
        "hundred" => (100.0, false),
        "thousand" => (1000.0, false),
        "million" => (1e6, false),
        "billion" => (1e9, false),
        "tens" => (10.0, true),
        "dozens" => (12.0, true),
        "scores" => (20.0, true),
        "hundreds" => (100.0, true),
        "thousands" => (1000.0, true),
        "millions" => (1e6, true),
        _ => return None,
    })
}

/// Value of the multiplying word at the start of `rest`, after digits: `5 million`, `2 dozen`; and its length in bytes.
pub(super) fn scale_after(rest: &str) -> Option<(f64, usize)> {
    let trimmed = rest.strip_prefix([' ', '-'])?;
    let word = first_word(trimmed);
    match scale(word) {
        Some((factor, false)) => Some((factor, 1 + word.len())),
        _ => None,
    }
}

fn first_word(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_lowercase())
        .unwrap_or(text.len());
    &text[..end]
}

/// Whether a number may begin with these letters: the first two of every word that a number begins with.
pub(super) fn may_begin(text: &[u8]) -> bool {
    let [first, second, ..] = text else {
        return false;
    };
    let seconds: &[u8] = match first {
        b'a' => b" -n",
        b'b' | b'm' | b'n' => b"i",
        b'd' => b"o",
        b'e' => b"il",
        b'f' => b"io",
        b'h' => b"u",
        b'o' => b"n",
        b's' => b"cei",
        b't' => b"ehw",
        b'z' => b"e",
        _ => b"",
    };
    seconds.contains(second)
}

/// The number that begins at the start of `text`, and its length in bytes.
///
/// `text` must begin at a word's first letter.
pub(super) fn number_words(text: &str) -> Option<(f64, usize)> {
    if !may_begin(text.as_bytes()) {
        return None;
    }
    let (mut total, mut section, mut length) = (0.0, 0.0, 0);
    let (mut any, mut article) = (false, false);
    let mut at = 0;
    for _ in 0..MAX_WORDS {
        let word = first_word(&text[at..]);
        let end = at + word.len();
        if word.is_empty() || text[end..].starts_with(|c: char| c.is_alphanumeric()) {
            break;
        }
        if let Some(value) = small(word) {
            let (low, above) = (section % 10.0, section % 100.0);
            // “twenty five” goes on, “two three” and “five twenty” do not.
            if any
                && section > 0.0
                && !(above == 0.0 || low == 0.0 && above >= 20.0 && value < 10.0)
            {
                break;
            }
            section += value;
            any = true;
        } else if let Some((factor, plural)) = scale(word) {
            let least = if plural { 2.0 } else { 1.0 };
            if !any && !article && !plural {
                break;
            }
            let counted = if section == 0.0 { least } else { section };
            if factor >= 1000.0 {
                total += counted * factor;
                section = 0.0;
            } else {
                section = counted * factor;
            }
            any = true;
            if plural {
                // “tens of thousands”; “tens” alone is none.
                let of = text[end..].strip_prefix(" of ").map(first_word);
                let further = of.and_then(|word| Some((scale(word)?, word.len())));
                if let Some(((more, true), more_length)) = further {
                    return Some(((total + section) * more, end + 4 + more_length));
                }
                length = if word == "tens" { 0 } else { end };
                break;
            }
        } else if matches!(word, "a" | "an" | "several") && at == 0 {
            article = true;
            section = if word == "several" { 2.0 } else { 0.0 };
        } else if !(word == "and" && any) {
            break;
        }
        if any && word != "and" {
            length = end;
        }
        match text[end..].chars().next() {
            Some(' ' | '-') => at = end + 1,
            _ => break,
        }
    }
    (length > 0).then_some((total + section, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_may_begin() {
        let words = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen \
            seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety dozen score hundred thousand \
            million billion tens dozens scores hundreds thousands millions a an several";
        for word in words.split_whitespace() {
            let known = small(word).is_some() || scale(word).is_some();
            assert!(known || matches!(word, "a" | "an" | "several"), "{word}");
            assert!(may_begin(format!("{word} ").as_bytes()), "{word}");
        }
    }

    #[test]
    fn words_to_values() {
        for (text, value, used) in [
            ("three people", 3.0, "three"),
            ("twenty-five dead", 25.0, "twenty-five"),
            ("one hundred and five died", 105.0, "one hundred and five"),
            (
                "two thousand three hundred",
                2300.0,
                "two thousand three hundred",
            ),
            ("a dozen people", 12.0, "a dozen"),
            ("two dozen people", 24.0, "two dozen"),
            ("dozens of people", 24.0, "dozens"),
            ("tens of thousands fled", 20_000.0, "tens of thousands"),
            ("hundreds of thousands", 200_000.0, "hundreds of thousands"),
            ("hundreds were", 200.0, "hundreds"),
            ("several hundred people", 200.0, "several hundred"),
            ("two and five", 2.0, "two"),
            ("one million", 1e6, "one million"),
        ] {
            assert_eq!(number_words(text), Some((value, used.len())), "{text}");
        }
        for text in [
            "a man",
            "several people",
            "oneself",
            "hundred",
            "and two",
            "tension",
        ] {
            assert_eq!(number_words(text), None, "{text}");
        }
    }
}
