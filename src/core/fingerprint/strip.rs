//! What a repost adds to a text: `RT`, `转发`, `//@…:`, links. Removed, together with everything that is no letter or digit.
//!
//! Invariant: only letters and digits come out, so that spacing, punctuation and masks never tell two reposts apart.

/// Marks at the start of a repost, in normalised (case-folded, simplified) text. Longer ones first.
const PREFIXES: [&str; 12] = [
    "转发微博",
    "轉發微博",
    "转发",
    "轉發",
    "转自",
    "转载",
    "转",
    "rt",
    "mt",
    "fwd",
    "fw",
    "re",
];

/// Appends the letters and digits of `text` that are left without reposting marks and links.
pub(super) fn essence(text: &str, out: &mut Vec<char>) {
    let mut rest = own_words(text);
    while let Some(next) = without_prefix(rest) {
        rest = next;
    }
    let bytes = rest.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        // Every link begins so.
        if matches!(byte, b'h' | b'w')
            && let Some(length) = link_length(&rest[at..])
        {
            at += length;
            continue;
        }
        if byte < 0x80 {
            if byte.is_ascii_alphanumeric() {
                out.push(char::from(byte));
            }
            at += 1;
            continue;
        }
        let Some(character) = rest[at..].chars().next() else {
            break;
        };
        if matches!(character, '\u{4e00}'..='\u{9fff}') || character.is_alphanumeric() {
            out.push(character);
        }
        at += character.len_utf8();
    }
}

/// A chain of reposts reads `comment//@a: comment//@b: original`: the words after the last mark are the original's.
fn own_words(text: &str) -> &str {
    if !text.contains('/') {
        return text;
    }
    let Some(mark) = text.rfind("//@").or_else(|| text.rfind("//•")) else {
        return text;
    };
    match text[mark..].find([':', '：']) {
        Some(colon) if colon <= MAX_HANDLE_BYTES => {
            text[mark + colon..].trim_start_matches([':', '：'])
        }
        _ => text,
    }
}

/// A handle after which a `:` may stand; masks take three bytes a character.
const MAX_HANDLE_BYTES: usize = 128;

/// The text after one reposting prefix, when it starts with one that is followed by a handle or a colon.
fn without_prefix(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || "[(【（".contains(c));
    let prefix = PREFIXES.iter().find(|prefix| text.starts_with(**prefix))?;
    let after = text[prefix.len()..]
        .trim_start_matches(|c: char| c.is_whitespace() || "])】）".contains(c));
    if let Some(rest) = after.strip_prefix([':', '：']) {
        return Some(rest);
    }
    let handle = after.strip_prefix('@').unwrap_or(after);
    let masked = handle.trim_start_matches('•');
    if masked.len() == after.len() {
        return None;
    }
    let rest = masked.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    Some(rest.trim_start().trim_start_matches([':', '：']))
}

/// Bytes of the link at the start of `text`, if there is one.
fn link_length(text: &str) -> Option<usize> {
    let scheme = ["https://", "http://", "www."]
        .iter()
        .find(|scheme| text.starts_with(**scheme))?;
    let tail = &text[scheme.len()..];
    let end = tail
        .find(|c: char| !c.is_ascii_graphic())
        .unwrap_or(tail.len());
    Some(scheme.len() + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(text: &str) -> String {
        let mut out = Vec::new();
        essence(text, &mut out);
        out.into_iter().collect()
    }

    #[test]
    fn reposting_marks_and_links_go() {
        let original = stripped("fire in the old mill, smoke everywhere");
        for repost in [
            "rt @•••••••: fire in the old mill, smoke everywhere",
            "rt @••••: rt @•••: fire in the old mill, smoke everywhere",
            "fire in the old mill, smoke everywhere https://t.co/abc123",
            "(fwd) : fire in the old mill smoke everywhere",
        ] {
            assert_eq!(stripped(repost), original, "{repost}");
        }
        let original = stripped("浦东新区一仓库起火");
        for repost in [
            "转发微博：浦东新区一仓库起火",
            "太可怕了//@•••：浦东新区一仓库起火",
            "【转】@••• 浦东新区一仓库起火",
            "浦东新区一仓库起火http://t.cn/xyz。",
        ] {
            assert_eq!(stripped(repost), original, "{repost}");
        }
    }

    #[test]
    fn every_unified_ideograph_is_a_letter() {
        assert!(('\u{4e00}'..='\u{9fff}').all(char::is_alphanumeric));
    }

    #[test]
    fn words_that_only_look_like_marks_stay() {
        assert_eq!(stripped("return to the shelter"), "returntotheshelter");
        assert_eq!(stripped("转塘街道积水"), "转塘街道积水");
        assert_eq!(stripped("see //notes"), "seenotes");
    }
}
