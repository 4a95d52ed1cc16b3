//! Text of feeds on a page. All of it is hostile.
//!
//! Invariant: nothing of it is markup (maud escapes), nothing of it reorders or hides its surroundings (controls are replaced
//! one for one, so that spans stay where they are, and `bdi` isolates the rest), and no link leads anywhere but to http or https.

use maud::{Markup, html};

/// Longest link that is shown as one, bytes.
const MAX_LINK: usize = 2_000;

/// `text` without characters that steer: controls, bidi controls and invisible separators become spaces, one for one.
pub fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| if steers(c) { ' ' } else { c })
        .collect()
}

fn steers(c: char) -> bool {
    let bidi = matches!(c,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}');
    let invisible = matches!(c, '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    (c.is_control() && c != '\n') || bidi || invisible
}

/// Feed text, isolated.
pub fn shown(text: &str) -> Markup {
    html! { bdi { (harmless(text)) } }
}

/// Feed text with what matched marked. Spans count code points of `text`; those beyond its end are cut, overlapping ones joined.
pub fn highlighted(text: &str, spans: &[[u32; 2]]) -> Markup {
    let chars: Vec<char> = harmless(text).chars().collect();
    let joined = join(spans, chars.len());
    let mut at = 0;
    let mut parts: Vec<(bool, String)> = Vec::with_capacity(joined.len() * 2 + 1);
    for (from, to) in joined {
        parts.push((false, chars[at..from].iter().collect()));
        parts.push((true, chars[from..to].iter().collect()));
        at = to;
    }
    parts.push((false, chars[at..].iter().collect()));
    html! {
        bdi {
            @for (marked, part) in &parts {
                @if *marked { mark { (part) } } @else { (part) }
            }
        }
    }
}

fn join(spans: &[[u32; 2]], length: usize) -> Vec<(usize, usize)> {
    let mut sorted: Vec<(usize, usize)> = spans
        .iter()
        .map(|[from, to]| (*from as usize, (*to as usize).min(length)))
        .filter(|(from, to)| from < to)
        .collect();
    sorted.sort_unstable();
    let mut joined: Vec<(usize, usize)> = Vec::with_capacity(sorted.len());
    for (from, to) in sorted {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// The address when a page may link to it: http or https, printable, of bearable length.
pub fn link(address: &str) -> Option<&str> {
    let address = address.trim();
    let scheme = address.split_once("://").map(|(scheme, _)| scheme)?;
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let clean = !address
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || steers(c));
    (web && clean && address.len() <= MAX_LINK).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_become_spaces_one_for_one() {
        let text = "a\u{202e}b\u{2066}c\u{200b}d\x07e\nf\u{61c}";
        assert_eq!(harmless(text), "a b c d e\nf ");
        assert_eq!(harmless(text).chars().count(), text.chars().count());
        assert_eq!(harmless("👩‍🚒 火"), "👩‍🚒 火");
    }

    #[test]
    fn spans_count_code_points_and_are_joined_and_cut() {
        let html = highlighted(
            "雁塔区燃气<爆炸>",
            &[[3, 5], [4, 6], [6, 99], [40, 50], [5, 5]],
        );
        assert_eq!(
            html.into_string(),
            "<bdi>雁塔区<mark>燃气&lt;爆炸&gt;</mark></bdi>"
        );
        let html = highlighted("fire", &[]);
        assert_eq!(html.into_string(), "<bdi>fire</bdi>");
    }

    #[test]
    fn only_web_addresses_are_links() {
        for good in ["https://example.org/a?b=c#d", "HTTP://例子.中国/火"] {
            assert_eq!(link(good), Some(good));
        }
        for bad in [
            "javascript:alert(1)",
            "javascript://%0aalert(1)",
            "data:text/html,x",
            "//example.org",
            "/etc",
            "https://a b",
            "https://a\u{202e}b",
            " java\nscript:x",
            "",
        ] {
            assert_eq!(link(bad), None, "{bad}");
        }
        assert_eq!(link(&format!("https://{}", "a".repeat(MAX_LINK))), None);
    }
}
