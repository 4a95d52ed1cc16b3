//! Plain text from the HTML that feeds put into descriptions.
//!
//! Invariant: removes markup and never adds any. It does not make text safe to show: whoever shows it escapes it.

use std::borrow::Cow;

/// Elements whose content is no text for readers.
const SILENT: [&str; 2] = ["script", "style"];
/// Elements that end a line.
const BLOCKS: [&str; 12] = [
    "br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "ul", "table", "hr",
];

/// A `<` without `>` in so many bytes is text.
const LONGEST_TAG: usize = 4096;

/// Text without tags, with the commonest references resolved; borrowed when there is no markup.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if !has_markup(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // No `>` before this offset from the end: what is known is not searched again.
    let mut unclosed = text.len();
    while let Some(at) = memchr::memchr2(b'<', b'&', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('<') {
            tag(rest, &mut out, &mut unclosed)
        } else {
            reference(rest, &mut out)
        };
    }
    out.push_str(rest);
    Cow::Owned(out.trim().to_owned())
}

fn has_markup(text: &str) -> bool {
    memchr::memchr2(b'<', b'&', text.as_bytes()).is_some()
}

/// Consumes the tag that starts `rest`; a lone `<` is text. Between it and `unclosed` bytes before the end is no `>`.
fn tag<'a>(rest: &'a str, out: &mut String, unclosed: &mut usize) -> &'a str {
    let closing = rest.starts_with("</");
    let after = rest[1..].trim_start_matches('/');
    let name: String = after
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .take(12)
        .collect::<String>()
        .to_ascii_lowercase();
    let is_tag = name.starts_with(|c: char| c.is_ascii_alphabetic()) || rest.starts_with("<!");
    // Bounded, so that a text of nothing but `<a` does not cost the square of its length.
    let head = &rest.as_bytes()[..rest.len().min(LONGEST_TAG)];
    let known = rest.len().saturating_sub(*unclosed).min(head.len());
    let close = is_tag
        .then(|| memchr::memchr(b'>', &head[known..]))
        .flatten();
    let Some(end) = close.map(|at| known + at) else {
        if is_tag {
            *unclosed = rest.len() - head.len();
        }
        out.push('<');
        return &rest[1..];
    };
    if BLOCKS.contains(&name.as_str()) && !out.ends_with('\n') {
        out.push('\n');
    }
    let mut rest = &rest[end + 1..];
    if SILENT.contains(&name.as_str()) && !closing {
        // To the next tag of any kind: good enough for text that should not be there at all.
        rest = &rest[rest.find("</").unwrap_or(rest.len())..];
    }
    rest
}

/// Consumes the reference that starts `rest`; a lone `&` is text.
fn reference<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let known = rest
        .bytes()
        .take(12)
        .position(|byte| byte == b';')
        .and_then(|end| {
            let name = &rest[1..end];
            let c = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                "nbsp" => ' ',
                "deg" => '°',
                "ndash" => '–',
                "mdash" => '—',
                "hellip" => '…',
                "rsquo" => '’',
                "lsquo" => '‘',
                "ldquo" => '“',
                "rdquo" => '”',
                _ => {
                    let number = name.strip_prefix('#')?;
                    let code = match number.strip_prefix(['x', 'X']) {
                        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                        None => number.parse().ok()?,
                    };
                    char::from_u32(code).filter(|c| *c != '\0')?
                }
            };
            Some((c, end + 1))
        });
    let (c, length) = known.unwrap_or(('&', 1));
    out.push(c);
    &rest[length..]
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn tags_go_and_text_stays() {
        for (html, text) in [
            ("plain ", "plain"),
            ("wind < 60 km/h & rain", "wind < 60 km/h & rain"),
            (
                "LEVEL: high<br />SIZE: 0&nbsp;ha",
                "LEVEL: high\nSIZE: 0 ha",
            ),
            (
                "<p>Depth: <b>38</b>.7&#176;</p><script>x()</script>end",
                "Depth: 38.7°\nend",
            ),
            ("中<img src='a>b'>文", "中b'>文"),
            ("a<", "a<"),
            ("&bogus; &#xFFFFFFFF; &#0;", "&bogus; &#xFFFFFFFF; &#0;"),
        ] {
            assert_eq!(plain(html), text, "{html}");
        }
    }
}
