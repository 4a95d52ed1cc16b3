//! E-mail addresses and handles: everything that hangs on an at sign.
//!
//! Invariant: a name is masked whole or not at all, except that a run of Chinese characters after an at sign is taken as a
//! name for at most [`LONGEST_NAME`] of them, because such text has no spaces that would end it.

/// Longest nickname of the large Chinese networks, in code points that are not ASCII.
const LONGEST_NAME: usize = 30;

/// Adds the byte spans of addresses and handles in `text`.
pub(super) fn find(text: &str, found: &mut Vec<(usize, usize)>) {
    let mut from = 0;
    while let Some((sign, width)) = next_sign(text, from) {
        let start = local_part(&text[from..sign]).map_or(sign, |length| sign - length);
        let name = name_length(&text[sign + width..]);
        let end = sign + width + name;
        if name > 0 {
            found.push((start, end));
        } else if start < sign && is_sign_next(&text[end..]) {
            found.push((start, sign));
        }
        from = end;
    }
}

fn is_sign(c: char) -> bool {
    matches!(c, '@' | '＠' | '﹫')
}

fn is_sign_next(text: &str) -> bool {
    text.chars().next().is_some_and(is_sign)
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

/// Length in bytes of the mail name that ends `before`, if there is one.
fn local_part(before: &str) -> Option<usize> {
    let run = trailing(before, |c| is_name(c) && !is_cjk(c), usize::MAX);
    let length = if run == 0 {
        trailing(before, is_name, LONGEST_NAME)
    } else {
        run
    };
    (length > 0).then_some(length)
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
fn name_length(text: &str) -> usize {
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
    matches!(
        c,
        '.' | '-' | '+' | '%' | '．' | '－' | '·' | '\u{200B}'
            ..='\u{200D}' | '\u{2060}' | '\u{FEFF}'
    )
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
