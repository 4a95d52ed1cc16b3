//! Regular expressions as Sigma has them (PCRE, of it `.` `^` `$` `* + ? {n,m}` `[ ]` `|` `( )`) in the words of the regex crate.
//!
//! Invariant: what both read differently is rewritten to what PCRE means, or refused; everything else stays as it is.

use std::borrow::Cow;

/// The expression for the regex crate; the error says what is not part of Sigma.
pub(super) fn translate(source: &str, multi_line: bool) -> Result<Cow<'_, str>, &'static str> {
    if !source.contains(['$', '[', '\\', '+']) {
        return Ok(source.into());
    }
    let mut out = String::with_capacity(source.len() + 8);
    let mut rest = source;
    // Whether what stands before repeats something: `a+`, and a `+` behind it would be possessive.
    let mut repeats = false;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '\\' => escape(rest, &mut out),
            '[' => class(rest, &mut out),
            '$' if !multi_line => {
                // Before a line feed at the end, too.
                out.push_str(r"(?:\n?\z)");
                1
            }
            '(' if rest.starts_with("(?") => {
                out.push_str("(?");
                2
            }
            '+' if repeats => {
                return Err("possessive quantifiers such as `a++` are not part of Sigma");
            }
            '{' => {
                let length = counted(rest).unwrap_or(1);
                out.push_str(&rest[..length]);
                length
            }
            _ => {
                out.push(c);
                c.len_utf8()
            }
        };
        repeats = matches!(c, '*' | '+' | '?') || (c == '{' && taken > 1);
        rest = &rest[taken..];
    }
    Ok(out.into())
}

/// Takes an escape; its length. To PCRE `\<` and `\>` are these characters, to the regex crate the ends of a word.
fn escape(rest: &str, out: &mut String) -> usize {
    let escaped = rest.chars().nth(1);
    if !matches!(escaped, Some('<' | '>')) {
        out.push('\\');
    }
    out.extend(escaped);
    1 + escaped.map_or(0, char::len_utf8)
}

/// Length of `{n}`, `{n,}` or `{n,m}`.
fn counted(rest: &str) -> Option<usize> {
    let end = rest.find('}')?;
    let inside = &rest[1..end];
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    (!least.is_empty() && digits(least) && digits(most)).then_some(end + 1)
}

/// Takes a class; its length. To PCRE `[`, `&&`, `--` and `~~` within it are characters, to the regex crate classes and operators.
fn class(rest: &str, out: &mut String) -> usize {
    let mut at = 1;
    out.push('[');
    for opening in ['^', ']'] {
        if rest[at..].starts_with(opening) {
            out.push(opening);
            at += 1;
        }
    }
    let mut previous = None;
    while let Some(c) = rest[at..].chars().next() {
        match c {
            '\\' => {
                at += escape(&rest[at..], out);
                previous = None;
                continue;
            }
            '[' => match rest[at..].starts_with("[:").then(|| rest[at..].find(":]")) {
                Some(Some(end)) => {
                    out.push_str(&rest[at..at + end + 2]);
                    at += end + 2;
                    previous = None;
                    continue;
                }
                _ => out.push_str(r"\["),
            },
            '&' | '-' | '~' if previous == Some(c) => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
        at += c.len_utf8();
        if c == ']' {
            break;
        }
        previous = Some(c);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::translate;

    fn matches(source: &str, text: &str) -> bool {
        let translated = translate(source, false).unwrap();
        let built = regex::Regex::new(&translated);
        built
            .unwrap_or_else(|e| panic!("{source}: {e}"))
            .is_match(text)
    }

    #[test]
    fn what_pcre_means() {
        for (source, text, found) in [
            (r"2\>&1", "cmd 2>&1", true),
            (r"\<script", "script", false),
            (r"\<script", "<script", true),
            ("^[a&&b]$", "&", true),
            ("^[a&&b]$", "b", true),
            ("^[+--]$", ",", true),
            ("^[+--]$", "-", true),
            ("^[a~~]$", "~", true),
            ("^[[a]$", "[", true),
            ("^[]a]$", "]", true),
            ("^[^]a]$", "]", false),
            (r"^[\]\[\-&]+$", "[]-&", true),
            ("^[[:digit:]x]+$", "12x", true),
            ("exe$", "a.exe\n", true),
            ("exe$", "a.exe\n\n", false),
            (r"exe\$", "exe$", true),
            ("^a{2}b?$", "aa", true),
            ("^(?:a+?b)+$", "aabab", true),
            (r"^\+\++$", "+++", true),
            ("[$]", "a", false),
        ] {
            assert_eq!(matches(source, text), found, "{source} in {text:?}");
        }
        for source in ["a++", "a*+", "a?+", "a{2}+b", "(a)++"] {
            assert!(translate(source, false).is_err(), "{source}");
        }
        for source in ["a+b", "火+?", r"[a+]+", r"\++", "a}+", "(?i)a"] {
            assert!(translate(source, false).is_ok(), "{source}");
        }
    }

    #[test]
    fn the_end_of_lines_stays_where_lines_are_meant() {
        assert_eq!(translate("a$", true).unwrap(), "a$");
        assert_eq!(translate("plain.*text", false).unwrap(), "plain.*text");
    }
}
