//! Regular expressions as Sigma has them (PCRE, of it `.` `^` `$` `* + ? {n,m}` `[ ]` `|` `( )`) in the words of the regex crate.
//!
//! Invariant: of these, what both read differently is rewritten to what PCRE means, or refused. What Sigma has not stays as the regex crate has
//! it: `\d` and `\w` know all scripts, a `$` that something follows is the end of the text.

use std::borrow::Cow;

/// Longest expression, bytes: what is longer is not translated, and then too large to be compiled.
const MAX_LENGTH: usize = 1 << 16;

/// The expression for the regex crate; the error says what is not part of Sigma.
pub(super) fn translate(source: &str, multi_line: bool) -> Result<Cow<'_, str>, &'static str> {
    if !source.contains(['$', '[', '\\', '+']) {
        return Ok(source.into());
    }
    if source.len() > MAX_LENGTH {
        return Err("a regular expression has at most 65536 bytes");
    }
    let multi_line = multi_line || sets_multi_line(source);
    let mut out = String::with_capacity(source.len() + 8);
    let mut rest = source;
    // Whether what stands before repeats something: `a+`, and a `+` behind it would be possessive.
    let mut repeats = false;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '\\' => escape(rest, false, &mut out),
            '[' => class(rest, &mut out),
            // At the end of a branch it stands before a last line feed, too.
            '$' if !multi_line && (rest.len() == 1 || rest[1..].starts_with(['|', ')'])) => {
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

/// Whether a group turns on `m`: then where `$` stands between lines is not looked into.
fn sets_multi_line(source: &str) -> bool {
    let groups = source.split("(?").skip(1);
    let flags = |group: &str| group.find(|c: char| !c.is_ascii_lowercase());
    groups
        .filter_map(|group| group.get(..flags(group)?))
        .any(|flags| flags.contains('m'))
}

/// What `\v` is to PCRE, vertical white space, within a class.
const VERTICAL: &str = r"\n\x0B\f\r\x{85}\x{2028}\x{2029}";

/// Takes an escape; its length. To PCRE `\<` and `\>` are these characters, to the regex crate the ends of a word.
fn escape(rest: &str, in_class: bool, out: &mut String) -> usize {
    let Some(escaped) = rest.chars().nth(1) else {
        out.push('\\');
        return 1;
    };
    let length = 1 + escaped.len_utf8();
    match escaped {
        '<' | '>' => out.push(escaped),
        'v' if in_class => out.push_str(VERTICAL),
        'v' => {
            out.push('[');
            out.push_str(VERTICAL);
            out.push(']');
        }
        // A number or name in braces is no count.
        'x' | 'u' | 'U' | 'p' | 'P' if rest[length..].starts_with('{') => {
            let inside = rest[length + 1..]
                .find(|c: char| !c.is_ascii_alphanumeric() && !"_=:^".contains(c));
            let end = inside.map_or(rest.len(), |at| length + 1 + at);
            let end = end + usize::from(rest[end..].starts_with('}'));
            out.push_str(&rest[..end]);
            return end;
        }
        _ => out.push_str(&rest[..length]),
    }
    length
}

/// Length of `{n}`, `{n,}` or `{n,m}`.
fn counted(rest: &str) -> Option<usize> {
    let end = 1 + rest[1..].find(|c: char| !c.is_ascii_digit() && c != ',')?;
    let (least, most) = rest[1..end].split_once(',').unwrap_or((&rest[1..end], ""));
    (rest[end..].starts_with('}') && !least.is_empty() && !most.contains(',')).then_some(end + 1)
}

/// Length of `[:name:]`.
fn named_class(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix("[:")?;
    let end = inside.find(|c: char| !c.is_ascii_lowercase() && c != '^')?;
    (end > 0 && inside[end..].starts_with(":]")).then_some(end + 4)
}

/// Takes a class; its length. To PCRE `[`, `&&`, `--` and `~~` within it, and `]` and `-` at its beginning, are characters.
fn class(rest: &str, out: &mut String) -> usize {
    out.push('[');
    let mut at = 1;
    if rest[at..].starts_with('^') {
        out.push('^');
        at += 1;
    }
    let first = at;
    let mut previous = None;
    while let Some(c) = rest[at..].chars().next() {
        let here = at;
        at += c.len_utf8();
        match c {
            '\\' => {
                at = here + escape(&rest[here..], true, out);
                previous = None;
                continue;
            }
            '[' => {
                if let Some(length) = named_class(&rest[here..]) {
                    out.push_str(&rest[here..here + length]);
                    at = here + length;
                    previous = None;
                    continue;
                }
                out.push_str(r"\[");
            }
            ']' if here > first => {
                out.push(']');
                return at;
            }
            ']' | '-' if here == first => {
                out.push('\\');
                out.push(c);
                previous = None;
                continue;
            }
            '&' | '-' | '~' if previous == Some(c) => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
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
            ("^[--/]$", ".", true),
            ("^[--a]$", "5", true),
            ("^[]-a]$", "_", true),
            ("^[^]-a]$", "_", false),
            ("^[[:]a]$", ":a]", true),
            ("^[[:]a]$", "a", false),
            ("(?m)x$", "x\ny", true),
            (r"^\x{41}+$", "AAA", true),
            (r"^a\vb$", "a\nb", true),
            (r"^a[\v]b$", "a\nb", true),
            ("^(a$|b)", "a\n", true),
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
