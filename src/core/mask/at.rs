//! E-mail addresses and handles: everything that hangs on an at sign.
//!
//! Invariant: a name is masked whole or not at all, except that a run of Chinese characters after an at sign is taken as a
//! name for at most [`LONGEST_NAME`] of them, because such text has no spaces that would end it.

use super::scan;
use super::script::is_invisible;

/// Longest nickname of the large Chinese networks, in code points that are not ASCII.
const LONGEST_NAME: usize = 30;

/// Adds the byte spans of addresses and handles in `text`.
pub(super) fn find(text: &str, found: &mut Vec<(usize, usize)>) {
    let mut from = 0;
    while let Some((sign, width)) = next_sign(text, from) {
        let (start, end) = around(text, from, sign, sign + width);
        if start < end {
            found.push((start, end));
        }
        from = end.max(sign + width);
    }
    from = 0;
    while let Some((sign, behind)) = next_word(text, from) {
        from = behind;
        if let Some((start, end)) = spaced(text, 0, sign, behind) {
            found.push((start, end));
            from = end;
        }
    }
}

/// What is to be masked around the sign from `sign` to `behind`; nothing where the second is not above the first.
fn around(text: &str, from: usize, sign: usize, behind: usize) -> (usize, usize) {
    let (before, after) = (&text[from..sign], &text[behind..]);
    let open = after.chars().next().filter(|c| is_opening(*c));
    let skipped = open.map_or(0, char::len_utf8);
    let name = name_length(&after[skipped..]);
    let named = &after[skipped..skipped + name];
    let unfinished = before.ends_with(is_name) && PROVIDERS.contains(&named);
    let amount = is_amount(named) && !unfinished;
    if name > 0 && !amount {
        let local = local_part(before, &after[skipped..skipped + name]);
        return (sign - local, behind + skipped + name);
    }
    if let Some(span) = spaced(text, from, sign, behind) {
        return span;
    }
    if after.chars().next().is_some_and(is_sign) {
        return (sign - local_part(before, "."), sign);
    }
    (sign, sign)
}

/// `@5pm`, `@ 300`, `@100 kph`: a time or a quantity rather than a name. `name@163` is an address all the same.
fn is_amount(name: &str) -> bool {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    (1..=4).contains(&digits) && matches!(&name[digits..], "" | "am" | "pm" | "AM" | "PM")
}

/// `name.1 @ example.com`, `name(at)example.com`: an address written apart. The name has to look like one of an address,
/// and not like a word of a sentence, unless the sign is spelled as only an address would.
fn spaced(text: &str, from: usize, sign: usize, behind: usize) -> Option<(usize, usize)> {
    let before = text[from..sign].trim_end_matches([' ', '\u{3000}']);
    let after = text[behind..].trim_start_matches([' ', '\u{3000}']);
    let local = trailing(before, |c| is_name(c) && !is_cjk(c), LONGEST_LOCAL);
    let name = &before[before.len() - local..];
    let certain = text[sign..behind].contains(['t', 'T']);
    let telling = certain || is_mailbox(name);
    let length = domain_length(after);
    let apart = text.len() - after.len() - behind;
    let near = text[from..sign].len() - before.len() <= WIDEST && apart <= WIDEST;
    let fits = local > 0 && telling && near && length > 0;
    fits.then(|| (from + before.len() - local, behind + apart + length))
}

/// Longest mail name, RFC 5321.
const LONGEST_LOCAL: usize = 64;
/// Bytes of space on either side of a sign that stands apart.
const WIDEST: usize = 6;

/// Length in bytes of `example.com`, `example dot com`, `example [dot] com` at the start of `text`.
fn domain_length(text: &str) -> usize {
    let label = |text: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        text.find(|c| !fits(c)).unwrap_or(text.len())
    };
    let mut at = label(text);
    let mut labels = usize::from(at > 0);
    while labels > 0 && labels < 8 {
        let Some(dot) = DOTS.iter().find(|dot| starts(&text[at..], dot)) else {
            break;
        };
        let next = label(&text[at + dot.len()..]);
        if next < 2 {
            break;
        }
        at += dot.len() + next;
        labels += 1;
    }
    if labels > 1 { at } else { 0 }
}

/// How addresses are written that machines shall not read.
const DOTS: [&str; 8] = [
    ".", "．", " dot ", " [dot] ", "[dot]", " (dot) ", "(dot)", "{dot}",
];
const SIGNS: [&str; 10] = [
    "(at)", "[at]", "{at}", "<at>", "（at）", "【at】", "(a)", "[a]", "#qq.", "#163.",
];

fn starts(text: &str, with: &str) -> bool {
    text.get(..with.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(with))
}

/// Next at sign that is spelled out: where it begins, and where the domain may begin.
fn next_word(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        at += scan::next_word_sign(&bytes[at..])?;
        // Signs that begin a known domain end before it.
        let known = SIGNS
            .iter()
            .find(|sign| text.is_char_boundary(at) && starts(&text[at..], sign));
        match known {
            Some(sign) if sign.starts_with('#') => return Some((at, at + 1)),
            Some(sign) => return Some((at, at + sign.len())),
            None => at += 1,
        }
    }
}

/// The length in bytes of the name before a sign that belongs to the address. Before a name that is no domain only what
/// looks like the name of a mailbox does, since people write on without a space: 着火了@名字, fire@name.
fn local_part(before: &str, domain: &str) -> usize {
    let run = trailing(before, |c| is_name(c) && !is_cjk(c), usize::MAX);
    let name = &before[before.len() - run..];
    let mail = domain.trim_end_matches(['.', '．']).contains(['.', '．']);
    if run == 0 && mail && !domain.is_ascii() {
        trailing(before, is_name, LONGEST_NAME)
    } else if mail || is_mailbox(name) || PROVIDERS.iter().any(|known| starts(domain, known)) {
        run
    } else {
        0
    }
}

/// Whether a name looks like that of a mailbox and not like a word, or the end of a sentence.
fn is_mailbox(name: &str) -> bool {
    let name = name.trim_end_matches(is_joint);
    name.contains(|c: char| c.is_numeric() || matches!(c, '.' | '_' | '+' | '＿' | '．'))
}

/// Mail providers whose domain people leave unfinished.
const PROVIDERS: [&str; 8] = [
    "qq", "163", "126", "gmail", "outlook", "hotmail", "sina", "foxmail",
];

/// What may stand between the sign and the name: `@【名字】`.
fn is_opening(c: char) -> bool {
    matches!(c, '"' | '“' | '「' | '【' | '[' | '<' | '《')
}

/// Whether a character is a sign, or begins one that is spelled out.
pub(super) fn tells(c: char) -> bool {
    is_sign(c) || SIGNS.iter().any(|sign| sign.starts_with(c))
}

fn is_sign(c: char) -> bool {
    matches!(c, '@' | '＠' | '﹫')
}

/// Next at sign: offset and length in bytes.
fn next_sign(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut at = from;
    // EF is the first byte of the two signs that are not ASCII, and of Chinese punctuation.
    while let Some(offset) = memchr::memchr2(b'@', 0xEF, &bytes[at..]) {
        at += offset;
        match (bytes[at], bytes.get(at + 1..at + 3)) {
            (b'@', _) => return Some((at, 1)),
            (_, Some([0xBC, 0xA0] | [0xB9, 0xAB])) => return Some((at, 3)),
            _ => at += 1,
        }
    }
    None
}

/// Bytes at the end of `text` whose characters all satisfy `accept`, at most `limit` of them.
fn trailing(text: &str, accept: impl Fn(char) -> bool, limit: usize) -> usize {
    text.chars()
        .rev()
        .take(limit)
        .take_while(|c| accept(*c))
        .map(char::len_utf8)
        .sum()
}

/// Length in bytes of the handle or mail domain that starts `text`.
pub(super) fn name_length(text: &str) -> usize {
    let mut length = 0;
    let mut kept = 0;
    let mut wide = 0;
    for c in text.chars() {
        if !is_name(c) || (!c.is_ascii() && wide == LONGEST_NAME) {
            break;
        }
        wide += usize::from(!c.is_ascii());
        length += c.len_utf8();
        if !is_joint(c) {
            kept = length;
        }
    }
    kept
}

/// Characters that join parts of a name and do not end one.
fn is_joint(c: char) -> bool {
    matches!(c, '.' | '-' | '+' | '%' | '．' | '－' | '·') || !c.is_ascii() && is_invisible(c)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '＿') || is_joint(c)
}

/// Scripts written without spaces.
fn is_cjk(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests {
    use crate::core::mask::mask;

    fn masked(text: &str) -> String {
        mask(text.into()).into_owned()
    }

    #[test]
    fn mail_keeps_what_stands_around_it() {
        assert_eq!(
            masked("写信到abc.d@qq.com，谢谢"),
            "写信到••••••••••••，谢谢"
        );
        assert_eq!(masked("mail to jo+x@ex-a.org."), "mail to •••••••••••••.");
        assert_eq!(masked("ａｂ＠ｑｑ．ｃｏｍ"), "•••••••••");
    }

    #[test]
    fn handles_end_where_names_do() {
        assert_eq!(masked("//@平安北京:起火"), "//•••••:起火");
        assert_eq!(masked("RT @user: fire"), "RT •••••: fire");
        assert_eq!(masked("＠名字 着火了"), "••• 着火了");
        assert_eq!(masked("@user@town.social hi"), "••••••••••••••••• hi");
        assert_eq!(masked("party @ 300 Squad"), "party @ 300 Squad");
        assert_eq!(masked("@ @@"), "@ @@");
    }
}
